import type { Page } from '../../core/world/types.ts';
import { documentTools, lookupInState } from '../../core/tools/encyclopediaTools.ts';
import { lookupTools } from '../../core/tools/library.ts';
import type { ToolLibrary, ToolProvider } from '../../core/tools/provider.ts';
import { calculatorProvider } from './calculator.ts';
import { createPageIndex } from './pageIndex.ts';

/** Anything with a title and paragraphs: pages of a world, files of a folder, paragraphs of a data set. */
export type Pages = readonly Pick<Page, 'title' | 'paragraphs'>[];

/** What a task can use without any configuration: its documents, and arithmetic. */
export function builtInLibrary(pages: Pages): ToolLibrary {
  return { available: withBuiltIn([], documentProviders(pages)), unavailable: [], named: undefined };
}

export const documentProviders = (pages: Pages): ToolProvider[] =>
  pages.length === 0 ? [] : documentTools(pages, createPageIndex(pages));

/** What is configured takes the place of what is built in, at its place in the list; other tools follow. */
export function withBuiltIn(
  configured: readonly ToolProvider[],
  documents: readonly ToolProvider[],
): readonly ToolProvider[] {
  const searching = configured.some(({ description }) => ['Search', 'Retrieve'].includes(description.name));
  const choice = [...configured, ...documents, calculatorProvider(), ...(searching ? [lookupInState()] : [])];
  const named = (name: string): ToolProvider[] =>
    choice.filter(({ description }) => description.name === name).slice(0, 1);
  const others = configured.filter(({ description }) => !lookupTools.some(({ name }) => name === description.name));
  return [...lookupTools.flatMap(({ name }) => named(name)), ...others];
}
