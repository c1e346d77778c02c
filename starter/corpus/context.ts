import { Encyclopedia } from '../../src/core/tools/encyclopedia.ts';
import type { PromptTemplate } from '../../src/core/prompts/template.ts';
import type { Entity } from '../../src/core/world/entities.ts';
import { factBase } from '../../src/core/world/factBase.ts';
import type { FactBase } from '../../src/core/world/factBase.ts';
import type { Page } from '../../src/core/world/types.ts';
import { generateWorld } from '../../src/core/world/world.ts';
import type { GeneratedWorld } from '../../src/core/world/world.ts';
import { HeldDocuments } from '../../src/node/documents/heldDocuments.ts';

/** One line of the corpus. Offsets are in characters of `text`. */
export interface CorpusLine {
  readonly text: string;
  readonly kind: 'page' | 'selfInstruct' | 'toolSelect' | 'trajectory' | 'drill';
  /** Where the prompt ends and what the model is to write begins. */
  readonly lossFrom?: number;
  /** Spans from outside, such as observations: [start, end). */
  readonly mask?: readonly (readonly [number, number])[];
}

/** A world with its tools at hand. */
export interface WorldContext {
  readonly world: GeneratedWorld;
  readonly base: FactBase;
  readonly encyclopedia: Encyclopedia;
  readonly entities: ReadonlyMap<string, Entity>;
  readonly pages: ReadonlyMap<string, Page>;
  readonly prompts: ReadonlyMap<string, PromptTemplate>;
}

export function openWorld(seed: number, size: number, prompts: ReadonlyMap<string, PromptTemplate>): WorldContext {
  const world = generateWorld({ seed, size });
  return {
    world,
    base: factBase(world),
    encyclopedia: new Encyclopedia(new HeldDocuments(world.pages)),
    entities: new Map(Object.values(world.cast).flatMap((group: readonly Entity[]) => group.map((entity) => [entity.title, entity] as const))),
    pages: new Map(world.pages.map((page) => [page.title, page])),
    prompts,
  };
}

/** @throws RangeError when the folder of prompts lacks one that the corpus is written in. */
export function promptNamed(context: Pick<WorldContext, 'prompts'>, name: string): PromptTemplate {
  const prompt = context.prompts.get(name);
  if (!prompt) throw new RangeError(`There is no prompt "${name}"; the corpus is written in the product's own prompts.`);
  return prompt;
}
