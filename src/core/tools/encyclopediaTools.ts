import { Encyclopedia, type PageIndex } from './encyclopedia.ts';
import { lookupTool, retrieveTool, searchTool } from './library.ts';
import { observationLimit } from './observation.ts';
import type { ToolProvider } from './provider.ts';
import type { Page } from '../world/types.ts';

/** Search, Retrieve and Lookup over documents: any pages with a title and paragraphs. */
export function documentTools(pages: readonly Pick<Page, 'title' | 'paragraphs'>[], index: PageIndex): ToolProvider[] {
  const encyclopedia = new Encyclopedia(pages, index);
  const shared = { provider: `documents (${pages.length} pages)`, maxChars: observationLimit };
  return [
    { ...shared, description: searchTool, call: (argument, state) => encyclopedia.search(argument, state) },
    { ...shared, description: retrieveTool, call: (argument, state) => encyclopedia.retrieve(argument, state) },
    { ...shared, description: lookupTool, call: (argument, state) => encyclopedia.lookup(argument, state) },
  ];
}

/** Lookup where there are no documents: it reads what a web search, a wiki, a table or a graph left in the state. */
export function lookupInState(): ToolProvider {
  const encyclopedia = new Encyclopedia([], { search: () => [] });
  return {
    description: lookupTool,
    provider: 'what was found last',
    maxChars: observationLimit,
    call: (argument, state) => encyclopedia.lookup(argument, state),
  };
}
