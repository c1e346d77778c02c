import type { UnavailableTool } from './provider.ts';

const unconfigured = (name: string, provider: string, remedy: string): UnavailableTool => ({
  name,
  provider,
  reason: 'No provider is configured.',
  remedy,
});
const entry = (tool: string, provider: string, more = ''): string =>
  `{"tool": "${tool}", "provider": "${provider}"${more}}`;
const documents = 'Name a folder or file under "documents" in the task card';

/** The whole library of the paper with what each tool needs, for those that a task has not configured. */
export const catalogue: readonly UnavailableTool[] = [
  unconfigured(
    'Search',
    'documents',
    `${documents}, or put ${entry('Search', 'searxng', ', "url": …')} under "tools" (or brave, tavily, serper).`,
  ),
  unconfigured('Retrieve', 'documents', `${documents}, or put ${entry('Retrieve', 'mediawiki')} under "tools".`),
  unconfigured(
    'CodeInterpreter',
    'pyodide',
    `Put ${entry('CodeInterpreter', 'pyodide')} under "tools" in the task card.`,
  ),
  unconfigured('Lookup', 'documents', `${documents}, or configure Search or Retrieve: it reads what they found.`),
];
