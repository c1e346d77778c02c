import { createRandom } from '../run/random.ts';
import type { Random } from '../run/random.ts';
import { weighted } from './draw.ts';
import {
  buildBridge,
  buildChain,
  buildComparison,
  buildCount,
  buildEasy,
  buildIntersection,
  buildSuperlative,
} from './questionForms.ts';
import type { DraftQuestion } from './questionForms.ts';
import { factBase } from './factBase.ts';
import type { FactBase } from './factBase.ts';
import type { Level, WorldQuestion } from './types.ts';
import type { GeneratedWorld } from './world.ts';

export interface QuestionOptions {
  readonly seed: number;
  /** How many questions of each level. */
  readonly perLevel: number;
  /** Questions that must not come again, in whatever words. */
  readonly exclude?: readonly WorldQuestion[];
}

type Form = (random: Random, base: FactBase) => DraftQuestion | undefined;

const forms: Readonly<Record<Level, readonly (readonly [Form, number])[]>> = {
  easy: [[buildEasy, 1]],
  medium: [
    [buildBridge, 0.68],
    [buildComparison, 0.32],
  ],
  hard: [
    [buildChain, 0.5],
    [buildIntersection, 0.18],
    [buildSuperlative, 0.2],
    [buildCount, 0.12],
  ],
};

/** What a question asks, apart from its words: two with the same key are the same question. */
export function questionKey(question: Pick<WorldQuestion, 'type' | 'hops'>): string {
  const hops = question.hops.map((hop) => `${hop.subject}.${hop.relation}`);
  const ordered = question.type === 'bridge' || question.type === 'chain' ? hops : hops.sort();
  return `${question.type}:${ordered.join('|')}`;
}

/**
 * Questions over a world, `perLevel` of each level, no two the same.
 * @throws RangeError when the world is too small for that many.
 */
export function generateQuestions(
  world: GeneratedWorld,
  { seed, perLevel, exclude = [] }: QuestionOptions,
): WorldQuestion[] {
  const base = factBase(world);
  const seen = new Set(exclude.map(questionKey));
  const wordings = new Set(exclude.map((question) => question.question));
  const questions: WorldQuestion[] = [];
  for (const level of ['easy', 'medium', 'hard'] as const) {
    const random = createRandom(`questions ${world.seed} ${seed} ${level}`);
    let misses = 0;
    for (let made = 0; made < perLevel;) {
      const draft = weighted(random, forms[level])(random, base);
      const key = draft && questionKey(draft);
      if (!draft || !key || seen.has(key) || wordings.has(draft.question)) {
        if (++misses > 200 * perLevel + 2000) {
          throw new RangeError(
            `World ${world.seed} has too few facts for ${perLevel} ${level} questions; ask for fewer or make it larger.`,
          );
        }
        continue;
      }
      seen.add(key);
      wordings.add(draft.question);
      made++;
      questions.push({ id: `w${world.seed}-s${seed}-${level}-${made}`, level, ...draft });
    }
  }
  return questions;
}
