import { catalogue } from '../../core/tools/catalogue.ts';
import type { PageSource } from '../../core/tools/documentSet.ts';
import type { ToolLibrary, ToolProvider, UnavailableTool } from '../../core/tools/provider.ts';
import type { ToolList } from '../../core/tools/toolConfig.ts';
import { cardSelects } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { HeldDocuments } from '../documents/heldDocuments.ts';
import { documentProviders, withBuiltIn } from './builtIn.ts';
import { provide, type ToolPlace } from './provide.ts';

export interface OpenToolsOptions {
  readonly tools?: ToolList | undefined;
  /** None when left out. */
  readonly documents?: PageSource & { readonly count: number };
  readonly place: ToolPlace;
}

/**
 * Makes the library of a run from the card's `tools`. Whatever is missing (a key, a file, an approval) makes its tool
 * unavailable, with the reason; nothing is started and nothing outside is asked before a tool is first called.
 */
export function openTools({ tools, documents: pages = new HeldDocuments([]), place }: OpenToolsOptions): ToolLibrary {
  const documents = documentProviders(pages);
  const configured: ToolProvider[] = [];
  const missing: UnavailableTool[] = [];
  const named: string[] = [];
  for (const entry of tools ?? []) {
    if (typeof entry === 'string') {
      named.push(entry);
      continue;
    }
    const { maxChars, provider } = entry;
    try {
      const provided = provide(entry, documents, place);
      configured.push(...provided.map((tool) => ({ ...tool, maxChars })));
      named.push(...provided.map((tool) => tool.description.name));
    } catch (error) {
      if (!ToolError.is(error)) throw error;
      const remedy = error.remedy ?? 'Mend its entry under "tools" in the task card.';
      const name = 'as' in entry ? (entry.as ?? entry.tool) : entry.tool;
      missing.push({ name, provider, reason: error.message, remedy });
      named.push(name);
    }
  }
  // What the card configures is never quietly done by somebody else: documents do not stand in for a web search.
  const withheld = missing
    .map(({ name }) => name)
    .filter((name) => !configured.some((tool) => tool.description.name === name));
  const available = withBuiltIn(configured, documents).filter(
    ({ description }) => !withheld.includes(description.name),
  );
  const known = new Set([...available.map((tool) => tool.description.name), ...missing.map((tool) => tool.name)]);
  const unconfigured = catalogue.filter(({ name }) => !known.has(name));
  return {
    available,
    unavailable: [...missing, ...unconfigured],
    named: cardSelects(tools) ? [...new Set(named)] : undefined,
  };
}
