import type { PageSource } from './documentSet.ts';
import { Encyclopedia } from './encyclopedia.ts';
import { lookupTool, retrieveTool, searchTool } from './library.ts';
import { observationLimit } from './observation.ts';
import type { ToolProvider } from './provider.ts';

/** Search, Retrieve and Lookup over documents: any pages with a title and paragraphs. */
export function documentTools(documents: PageSource & { readonly count: number }): ToolProvider[] {
  const encyclopedia = new Encyclopedia(documents);
  const shared = { provider: `documents (${documents.count} pages)`, maxChars: observationLimit };
  return [
    { ...shared, description: searchTool, call: (argument, state) => encyclopedia.search(argument, state) },
    { ...shared, description: retrieveTool, call: (argument, state) => encyclopedia.retrieve(argument, state) },
    { ...shared, description: lookupTool, call: (argument, state) => encyclopedia.lookup(argument, state) },
  ];
}

/** Lookup where there are no documents: it reads what a web search, a wiki, a table or a graph left in the state. */
export function lookupInState(): ToolProvider {
  const encyclopedia = new Encyclopedia({ page: () => undefined, search: () => [], similar: () => [] });
  return {
    description: lookupTool,
    provider: 'what was found last',
    maxChars: observationLimit,
    call: (argument, state) => encyclopedia.lookup(argument, state),
  };
}
