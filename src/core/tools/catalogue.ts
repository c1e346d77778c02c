import type { UnavailableTool } from './provider.ts';

const unconfigured = (name: string, provider: string, remedy: string): UnavailableTool => ({
  name,
  provider,
  reason: 'No provider is configured.',
  remedy,
});
const entry = (tool: string, provider: string, more = ''): string =>
  `{"tool": "${tool}", "provider": "${provider}"${more}}`;
const card = (text: string): string => `Put ${text} under "tools" in the task card.`;
const documents = 'Name a folder or file under "documents" in the task card';

/** The whole library of the paper with what each tool needs, for those that a task has not configured. */
export const catalogue: readonly UnavailableTool[] = [
  unconfigured(
    'Search',
    'documents',
    `${documents}, or put ${entry('Search', 'searxng', ', "url": …')} under "tools" (or brave, tavily, serper).`,
  ),
  unconfigured('Retrieve', 'documents', `${documents}, or put ${entry('Retrieve', 'mediawiki')} under "tools".`),
  unconfigured('CodeInterpreter', 'pyodide', card(entry('CodeInterpreter', 'pyodide'))),
  unconfigured('Lookup', 'documents', `${documents}, or configure Search or Retrieve: it reads what they found.`),
  unconfigured('TableVerbalizer', 'tables', card(entry('TableVerbalizer', 'tables', ', "path": …'))),
  unconfigured('Database', 'sqlite', card(entry('Database', 'sqlite', ', "file": …'))),
  unconfigured('KnowledgeGraph', 'triples', card(entry('KnowledgeGraph', 'triples', ', "file": …'))),
  unconfigured(
    'Image2Text',
    'captions',
    card(`${entry('Image2Text', 'ocr', ', "images": …')} or ${entry('Image2Text', 'captions')}`),
  ),
  unconfigured('Text2Image', 'images-api', card(entry('Text2Image', 'images-api', ', "url": …, "model": …'))),
];
