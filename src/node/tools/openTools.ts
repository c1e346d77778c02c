import type { Page } from '../../core/world/types.ts';
import { documentTools, lookupInState } from '../../core/tools/encyclopediaTools.ts';
import { lookupTools } from '../../core/tools/library.ts';
import type { ToolLibrary, ToolProvider, UnavailableTool } from '../../core/tools/provider.ts';
import type { ToolEntry, ToolList } from '../../core/tools/toolConfig.ts';
import { cardSelects } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { calculatorProvider } from './calculator.ts';
import { createPageIndex } from './pageIndex.ts';

export interface OpenToolsOptions {
  readonly tools?: ToolList | undefined;
  readonly pages: readonly Pick<Page, 'title' | 'paragraphs'>[];
}

/** What a task can use without any configuration: its documents, and arithmetic. */
export function builtInLibrary(pages: OpenToolsOptions['pages']): ToolLibrary {
  return openTools({ pages });
}

/**
 * Makes the library of a run from the card's `tools`. Whatever is missing (a key, a file, an approval) makes its tool
 * unavailable, with the reason; nothing is started and nothing outside is asked before a tool is first called.
 */
export function openTools(options: OpenToolsOptions): ToolLibrary {
  const documents = lazily(() =>
    options.pages.length === 0 ? [] : documentTools(options.pages, createPageIndex(options.pages)),
  );
  const configured: ToolProvider[] = [];
  const unavailable: UnavailableTool[] = [];
  const entries = (options.tools ?? []).filter((entry) => typeof entry !== 'string');
  for (const entry of entries) {
    try {
      configured.push({ ...provide(entry, documents), maxChars: entry.maxChars });
    } catch (error) {
      if (!ToolError.is(error)) throw error;
      unavailable.push({
        name: entry.tool,
        provider: entry.provider,
        reason: error.message,
        remedy: error.remedy ?? 'Mend its entry under "tools" in the task card.',
      });
    }
  }
  const available = assemble(configured, [...documents(), calculatorProvider()]);
  for (const { name } of lookupTools)
    if (![...available.map((tool) => tool.description), ...unavailable].some((tool) => tool.name === name))
      unavailable.push({ name, provider: 'documents', ...noDocuments });
  const named = cardSelects(options.tools)
    ? (options.tools ?? []).map((entry) => (typeof entry === 'string' ? entry : entry.tool))
    : undefined;
  return { available, unavailable, named };
}

const noDocuments = {
  reason: 'The task card names no documents.',
  remedy: 'Name a folder or file under "documents", or another provider under "tools".',
};

/** What is configured takes the place of what is built in, at its place in the list; the rest follows. */
function assemble(configured: readonly ToolProvider[], plain: readonly ToolProvider[]): ToolProvider[] {
  const searching = configured.some(({ description }) => ['Search', 'Retrieve'].includes(description.name));
  const known = [...plain, ...(searching ? [lookupInState()] : [])];
  const all = new Map<string, ToolProvider>();
  for (const { name } of lookupTools) {
    const tool =
      configured.find(({ description }) => description.name === name) ??
      known.find(({ description }) => description.name === name);
    if (tool !== undefined) all.set(name, tool);
  }
  for (const tool of configured) if (!all.has(tool.description.name)) all.set(tool.description.name, tool);
  return [...all.values()];
}

/** @throws ToolError with what is missing */
function provide(entry: ToolEntry, documents: () => readonly ToolProvider[]): ToolProvider {
  switch (entry.provider) {
    case 'documents': {
      const found = documents().find(({ description }) => description.name === entry.tool);
      if (found === undefined) throw new ToolError('not-configured', noDocuments.reason, noDocuments.remedy);
      return found;
    }
    case 'arithmetic':
      return calculatorProvider();
  }
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
