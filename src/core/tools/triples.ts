import { knowledgeTool } from './library.ts';
import type { ToolProvider } from './provider.ts';

/** A triple by its readable names. */
export interface NamedTriple {
  readonly subject: string;
  readonly predicate: string;
  readonly object: string;
}

const shownLimit = 12;

/**
 * KnowledgeGraph over triples: "entity" gives all that is said of it and points to it, "entity, relation" that relation
 * alone. Names are compared without regard to case.
 */
export function tripleTool(
  triples: readonly NamedTriple[],
  options: Pick<ToolProvider, 'provider' | 'maxChars'>,
): ToolProvider {
  const byEntity = new Map<string, NamedTriple[]>();
  for (const triple of triples)
    for (const name of new Set([key(triple.subject), key(triple.object)])) {
      const known = byEntity.get(name);
      if (known === undefined) byEntity.set(name, [triple]);
      else known.push(triple);
    }
  return {
    ...options,
    description: knowledgeTool,
    call: (argument, state) => {
      const { entity, relation, found } = find(argument, byEntity);
      if (found === undefined) return { text: `Nothing is known of "${entity}".`, outcome: 'miss', state };
      const fitting = relation === '' ? found : found.filter(({ predicate }) => key(predicate).includes(key(relation)));
      if (fitting.length === 0) {
        const relations = [...new Set(found.map(({ predicate }) => predicate))].slice(0, shownLimit).join(', ');
        return { text: `No relation "${relation}" of ${entity}. Relations: ${relations}.`, outcome: 'miss', state };
      }
      const lines = fitting.slice(0, shownLimit).map((t) => `${t.subject} | ${t.predicate} | ${t.object}`);
      const more = fitting.length > shownLimit ? [`(${fitting.length - shownLimit} more)`] : [];
      return {
        text: [...lines, ...more].join('\n'),
        outcome: 'hit',
        state: { lookup: { lines, keyword: null, index: 0 } },
      };
    },
  };
}

/** The longest part before a comma that is an entity: names may hold commas themselves. */
function find(
  argument: string,
  byEntity: ReadonlyMap<string, readonly NamedTriple[]>,
): { readonly entity: string; readonly relation: string; readonly found?: readonly NamedTriple[] } {
  const parts = argument.split(',').map((part) => part.trim());
  for (let end = parts.length; end > 0; end--) {
    const entity = parts.slice(0, end).join(', ');
    const found = byEntity.get(key(entity));
    if (found !== undefined) return { entity, relation: parts.slice(end).join(', '), found };
  }
  return { entity: parts[0] ?? '', relation: parts.slice(1).join(', ') };
}

const key = (name: string): string =>
  name
    .replace(/[\s_]+/g, ' ')
    .trim()
    .toLowerCase();
