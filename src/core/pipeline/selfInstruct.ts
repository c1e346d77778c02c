import { askAll, note } from '../run/ask.ts';
import type { Answer, Request, Sampling } from '../run/request.ts';
import type { Random } from '../run/random.ts';
import { createRandom, samplingSeed } from '../run/random.ts';
import type { PromptTemplate } from '../prompts/template.ts';
import { renderPrompt } from '../prompts/template.ts';
import type { Mode } from './mode.ts';
import type { Settings } from './settings.ts';
import { InstanceGate, type DropReason } from './instanceGate.ts';

/** A pair of the database, with where it came from. */
export interface Instance {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  readonly source: {
    /** Index of the entry in the log item `selfInstruct/0` that holds the completion. */
    readonly entry: string;
    readonly round: number;
    /** Ids of the examples shown: `seed-n` or instances. */
    readonly examples: readonly string[];
    /** Titles of the passages shown. */
    readonly passages: readonly string[];
  };
}

export interface Passage {
  readonly title: string;
  readonly text: string;
}

export interface SelfInstructInput {
  readonly template: PromptTemplate;
  readonly description: string;
  readonly examples: readonly { readonly question: string; readonly answer: string }[];
  readonly settings: Settings['selfInstruct'];
  readonly mode: Mode;
  readonly seed: number;
  /** Questions that must not enter the database: those of the evaluation. */
  readonly barred: readonly string[];
  /** Draws passages of the task's documents; left out, the model writes from memory. */
  readonly drawPassages?: (random: Random) => readonly Passage[];
}

export interface SelfInstructResult {
  readonly database: readonly Instance[];
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  readonly rounds: number;
  readonly stopped: 'full' | 'repeating';
}

interface Round {
  readonly number: number;
  readonly prompt: string;
  readonly examples: readonly string[];
  readonly passages: readonly string[];
  readonly sampling: Sampling;
}

/**
 * Grows the database from the examples (paper section 2.1, methods 4.1): each round shows examples drawn from it and
 * asks for new pairs; what is malformed, repeated or barred is dropped with the reason. Ends when the database is full,
 * or after `patience` rounds that brought nothing.
 */
export function* selfInstruct(
  input: SelfInstructInput,
): Generator<Request | readonly Request[], SelfInstructResult, Answer | readonly Answer[]> {
  const { settings } = input;
  const database: Instance[] = [];
  const dropped: Partial<Record<DropReason, number>> = {};
  const gate = new InstanceGate(input);
  let round = 0;
  let barren = 0;
  let turn = 0;
  while (database.length < settings.instances && barren < settings.patience) {
    const rounds = Array.from({ length: settings.parallelRounds }, () => prepareRound(input, database, round++));
    const entry = turn++;
    const answers = yield* askAll(
      rounds.map((r) => ({
        role: 'meta',
        purpose: 'new pairs',
        prompt: r.prompt,
        stop: ['\n\n'],
        maxTokens: settings.maxTokens,
        sampling: r.sampling,
      })),
    );
    for (const [k, answer] of answers.entries()) {
      const from = rounds[k] as Round;
      const before = database.length;
      for (const pair of parsePairs(answer.text, answer.finish === 'length').slice(0, settings.perRound)) {
        if (database.length >= settings.instances) break;
        const reason = gate.judge(pair);
        const text = pair.question === '' && pair.answer === '' ? pair.raw : `${pair.question} = ${pair.answer}`;
        turn++;
        if (reason !== undefined) {
          dropped[reason] = (dropped[reason] ?? 0) + 1;
          yield* note({ step: from.number, role: 'environment', kind: 'dropped', text, reason });
          continue;
        }
        const id = `i-${String(database.length + 1).padStart(4, '0')}`;
        database.push({
          id,
          question: pair.question,
          answer: pair.answer,
          source: { entry: `${entry}.${k}`, round: from.number, examples: from.examples, passages: from.passages },
        });
        yield* note({ step: from.number, role: 'meta', kind: 'accepted', text, argument: id });
      }
      barren = database.length > before ? 0 : barren + 1;
    }
  }
  return { database, dropped, rounds: round, stopped: database.length >= settings.instances ? 'full' : 'repeating' };
}

function prepareRound(input: SelfInstructInput, database: readonly Instance[], number: number): Round {
  const { settings } = input;
  const random = createRandom(input.seed).fork(`selfInstruct/${number}`);
  const seeds = input.examples.map((e, i) => ({ id: `seed-${i + 1}`, question: e.question, answer: e.answer }));
  const chosen = input.mode.separateExamplePools
    ? random.shuffle([
        ...random.sample(seeds, settings.seedExamples),
        ...random.sample(database, settings.generatedExamples),
      ])
    : repeatingSample(
        random,
        [...seeds, ...database],
        settings.seedExamples + Math.min(settings.generatedExamples, seeds.length + database.length),
      );
  const passages = input.drawPassages?.(random) ?? [];
  return {
    number,
    examples: chosen.map((e) => e.id),
    passages: passages.map((p) => p.title),
    sampling: { ...settings.sampling, seed: samplingSeed(input.seed, 'selfInstruct', String(number)) },
    prompt: renderPrompt(input.template, {
      description: input.description,
      count: String(settings.perRound),
      passages: renderPassages(passages),
      examples: chosen.map((e) => `Question: ${e.question}\nAnswer: ${e.answer}`).join('\n'),
    }),
  };
}

/** The published code draws from one pool, and the same pair may come twice (methods 4.4, row 4). */
function repeatingSample<T>(random: Random, pool: readonly T[], k: number): T[] {
  return Array.from({ length: k }, () => random.pick(pool));
}

export function renderPassages(passages: readonly Passage[]): string {
  return passages.length === 0 ? '' : `Passages:\n${passages.map((p) => `${p.title}: ${p.text}`).join('\n')}`;
}

export interface Pair {
  readonly question: string;
  readonly answer: string;
  /** The lines that it was read from. */
  readonly raw: string;
}

/**
 * Reads `Question: …` / `Answer: …` lines. A pair that lacks one of the two comes back with that part empty, so that it
 * is counted as malformed and not lost. When the text was cut at the token limit, an unfinished last pair is left out.
 */
export function parsePairs(text: string, cut: boolean): Pair[] {
  const pairs: { question: string; answer: string; raw: string[] }[] = [];
  let open: { question: string; answer: string; raw: string[] } | undefined;
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.replace(/^\s*(?:\d+[.)]|[-*])?\s*/, '').trim();
    if (trimmed === '') continue;
    const question = /^question\s*\d*\s*:\s*(.*)$/i.exec(trimmed);
    const answer = /^answer\s*\d*\s*:\s*(.*)$/i.exec(trimmed);
    if (question !== null) {
      open = { question: (question[1] ?? '').trim(), answer: '', raw: [trimmed] };
      pairs.push(open);
    } else if (answer !== null && open !== undefined && open.answer === '') {
      open.answer = (answer[1] ?? '').trim();
      open.raw.push(trimmed);
      open = undefined;
    } else {
      pairs.push({ question: '', answer: '', raw: [trimmed] });
      open = undefined;
    }
  }
  if (cut) pairs.pop();
  return pairs.map((p) => ({ question: p.question, answer: p.answer, raw: p.raw.join('\n').slice(0, 500) }));
}
