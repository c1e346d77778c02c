import type { Document, PageSource } from '../../core/tools/documentSet.ts';
import { documentTools, lookupInState } from '../../core/tools/encyclopediaTools.ts';
import { lookupTools } from '../../core/tools/library.ts';
import type { ToolLibrary, ToolProvider } from '../../core/tools/provider.ts';
import { calculatorProvider } from './calculator.ts';
import { HeldDocuments } from '../documents/heldDocuments.ts';

/** What a task can use without any configuration: its documents, and arithmetic. */
export function builtInLibrary(pages: readonly Document[]): ToolLibrary {
  return { available: withBuiltIn([], documentProviders(new HeldDocuments(pages))), unavailable: [], named: undefined };
}

export const documentProviders = (documents: PageSource & { readonly count: number }): ToolProvider[] =>
  documents.count === 0 ? [] : documentTools(documents);

/** Tools whose answers Lookup can go through. */
const leavesLines: readonly string[] = ['Search', 'Retrieve', 'TableVerbalizer', 'KnowledgeGraph', 'Image2Text'];

/** What is configured takes the place of what is built in, at its place in the list; other tools follow. */
export function withBuiltIn(
  configured: readonly ToolProvider[],
  documents: readonly ToolProvider[],
): readonly ToolProvider[] {
  const readable = configured.some(({ description }) => leavesLines.includes(description.name));
  const choice = [...configured, ...documents, calculatorProvider(), ...(readable ? [lookupInState()] : [])];
  const named = (name: string): ToolProvider[] =>
    choice.filter(({ description }) => description.name === name).slice(0, 1);
  const others = configured.filter(({ description }) => !lookupTools.some(({ name }) => name === description.name));
  const names = [...new Set(others.map(({ description }) => description.name))];
  return [
    ...lookupTools.flatMap(({ name }) => named(name)),
    ...names.flatMap((name) => inTurn(others.filter(({ description }) => description.name === name))),
  ];
}

/** Several providers of one tool are asked in the card's order until one finds something: captions, then a model. */
function inTurn(tools: readonly ToolProvider[]): ToolProvider[] {
  const [first] = tools;
  if (first === undefined || tools.length === 1) return first === undefined ? [] : [first];
  return [
    {
      ...first,
      provider: tools.map(({ provider }) => provider).join(', then '),
      call: async (argument, state, signal) => {
        for (const tool of tools.slice(0, -1)) {
          const finding = await tool.call(argument, state, signal);
          if (finding.outcome === 'hit') return finding;
        }
        return (tools.at(-1) ?? first).call(argument, state, signal);
      },
      close: async () => {
        await Promise.all(tools.map(async (tool) => tool.close?.()));
      },
    },
  ];
}
