import { goldChoice } from '../evaluate/choice.ts';
import { askAll, note } from '../run/ask.ts';
import type { Answer, Request, Sampling } from '../run/request.ts';
import type { Random } from '../run/random.ts';
import { createRandom, samplingSeed } from '../run/random.ts';
import type { PromptTemplate } from '../prompts/template.ts';
import { renderPrompt } from '../prompts/template.ts';
import type { Mode } from './mode.ts';
import type { Settings } from './settings.ts';
import type { Metric } from '../evaluate/metrics.ts';
import { lettered } from '../task/question.ts';
import { agreeing } from './answerVote.ts';
import { dropReasons, InstanceGate, type DropReason } from './instanceGate.ts';
import { Steering } from './steering.ts';

/** A pair of the database, with where it came from. */
export interface Instance {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  /** Options of a multiple-choice question; the answer is then a letter. */
  readonly choices?: readonly string[];
  /** How many of the answers that were sampled anew agree with its own. */
  readonly votes?: { readonly for: number; readonly of: number };
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
  /** Asks for an answer anew; needed where `votes` are. */
  readonly voteTemplate?: PromptTemplate;
  readonly description: string;
  readonly examples: readonly {
    readonly question: string;
    readonly answer: string;
    readonly choices?: readonly string[] | undefined;
  }[];
  readonly settings: Settings['selfInstruct'];
  readonly mode: Mode;
  readonly seed: number;
  /** The task's: `choice` asks for options too. */
  readonly metric?: Metric;
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

export interface Round {
  readonly number: number;
  readonly prompt: string;
  readonly examples: readonly string[];
  readonly passages: readonly Passage[];
  readonly sampling: Sampling;
}

/**
 * Grows the database from the examples (paper section 2.1, methods 4.1): each round shows examples drawn from it and
 * asks for new pairs; what is malformed, repeated or barred is dropped with the reason. Ends when the database is full,
 * or when the model only repeats itself: `patience` rounds that brought nothing, or too little.
 */
export function* selfInstruct(
  input: SelfInstructInput,
): Generator<Request | readonly Request[], SelfInstructResult, Answer | readonly Answer[]> {
  const { settings } = input;
  const database: Instance[] = [];
  const dropped: Partial<Record<DropReason, number>> = {};
  const gate = new InstanceGate(input);
  const steering = settings.steer ? new Steering() : undefined;
  const recent: { kept: number; read: number }[] = [];
  let round = 0;
  let barren = 0;
  let turn = 0;
  const repeating = (): boolean => {
    const last = recent.slice(-settings.patience);
    const sum = (part: 'kept' | 'read'): number => last.reduce((all, r) => all + r[part], 0);
    return (
      barren >= settings.patience ||
      (last.length === settings.patience && sum('kept') < settings.minYield * sum('read'))
    );
  };
  while (database.length < settings.instances && !repeating()) {
    const rounds = Array.from({ length: settings.parallelRounds }, () =>
      prepareRound(input, database, round++, steering),
    );
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
      const pairs = parsePairs(answer.text, answer.finish === 'length', input.metric === 'choice').slice(
        0,
        settings.perRound,
      );
      for (const pair of pairs) {
        if (database.length >= settings.instances) break;
        let reason = gate.judge(pair);
        let votes: Instance['votes'];
        if (reason === undefined && settings.votes > 0) {
          votes = yield* agreeing(input, from, pair);
          turn++;
          if (2 * votes.for <= votes.of) reason = dropReasons.disagreement;
        }
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
          answer: answerOf(pair),
          ...(pair.options.length === 0 ? {} : { choices: pair.options }),
          ...(votes === undefined ? {} : { votes }),
          source: {
            entry: `${entry}.${k}`,
            round: from.number,
            examples: from.examples,
            passages: from.passages.map((p) => p.title),
          },
        });
        steering?.accepted(pair.question);
        yield* note({ step: from.number, role: 'meta', kind: 'accepted', text, argument: id });
      }
      const kept = database.length - before;
      recent.push({ kept, read: pairs.length });
      barren = kept > 0 ? 0 : barren + 1;
    }
  }
  return { database, dropped, rounds: round, stopped: database.length >= settings.instances ? 'full' : 'repeating' };
}

/** An option is named by its letter, however the model named it. */
function answerOf({ answer, options }: Pair): string {
  const option = options.length === 0 ? undefined : goldChoice(answer, options);
  return option === undefined ? answer : String.fromCharCode(65 + option);
}

function prepareRound(
  input: SelfInstructInput,
  database: readonly Instance[],
  number: number,
  steering: Steering | undefined,
): Round {
  const { settings } = input;
  const random = createRandom(input.seed).fork(`selfInstruct/${number}`);
  const seeds = input.examples.map(({ question, answer, choices }, i) => ({
    id: `seed-${i + 1}`,
    question,
    answer,
    ...(choices === undefined ? {} : { choices }),
  }));
  const chosen = input.mode.separateExamplePools
    ? random.shuffle([
        ...random.sample(seeds, settings.seedExamples),
        ...(steering?.examples(random, database, settings.generatedExamples) ??
          random.sample(database, settings.generatedExamples)),
      ])
    : repeatingSample(
        random,
        [...seeds, ...database],
        settings.seedExamples + Math.min(settings.generatedExamples, seeds.length + database.length),
      );
  const draw = (): readonly Passage[] => input.drawPassages?.(random) ?? [];
  const passages = steering?.passages(draw) ?? draw();
  return {
    number,
    examples: chosen.map((e) => e.id),
    passages,
    sampling: { ...settings.sampling, seed: samplingSeed(input.seed, 'selfInstruct', String(number)) },
    prompt: renderPrompt(input.template, {
      description: input.description,
      count: String(settings.perRound),
      passages: [renderPassages(passages), steering?.aim(random) ?? ''].filter((part) => part !== '').join('\n'),
      examples: chosen.map(renderExample).join('\n'),
    }),
  };
}

function renderExample(e: {
  readonly question: string;
  readonly answer: string;
  readonly choices?: readonly string[];
}): string {
  const options = e.choices === undefined ? '' : `\nOptions: ${lettered(e.choices)}`;
  return `Question: ${e.question}${options}\nAnswer: ${e.answer}`;
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
  /** Of a multiple-choice question; empty otherwise. */
  readonly options: readonly string[];
  /** The lines that it was read from. */
  readonly raw: string;
}

/**
 * Reads `Question: …` / `Answer: …` lines, with `Options: (A) … (B) …` between them where options are asked for. A pair
 * that lacks one of the two comes back with that part empty, so that it is counted as malformed and not lost. When the
 * text was cut at the token limit, an unfinished last pair is left out.
 */
export function parsePairs(text: string, cut: boolean, withOptions = false): Pair[] {
  const pairs: { question: string; answer: string; options: string[]; raw: string[] }[] = [];
  let open: (typeof pairs)[number] | undefined;
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.replace(/^\s*(?:\d+[.)]|[-*])?\s*/, '').trim();
    if (trimmed === '') continue;
    const question = /^question\s*\d*\s*:\s*(.*)$/i.exec(trimmed);
    const answer = /^answer\s*\d*\s*:\s*(.*)$/i.exec(trimmed);
    const options = withOptions ? /^options?\s*:\s*(.*)$/i.exec(trimmed) : null;
    if (question !== null) {
      open = { question: (question[1] ?? '').trim(), answer: '', options: [], raw: [trimmed] };
      pairs.push(open);
    } else if (options !== null && open !== undefined && open.options.length === 0) {
      open.options = readOptions(options[1] ?? '');
      open.raw.push(trimmed);
    } else if (answer !== null && open !== undefined && open.answer === '') {
      open.answer = (answer[1] ?? '').trim();
      open.raw.push(trimmed);
      open = undefined;
    } else {
      pairs.push({ question: '', answer: '', options: [], raw: [trimmed] });
      open = undefined;
    }
  }
  if (cut) pairs.pop();
  return pairs.map((p) => ({ ...p, raw: p.raw.join('\n').slice(0, 500) }));
}

/** `(A) one (B) two`, or `A. one B. two`; letters must come in order from A. */
function readOptions(text: string): string[] {
  const options: string[] = [];
  let at = 0;
  for (;;) {
    const letter = String.fromCharCode(65 + options.length);
    const next = new RegExp(`(?:^|\\s)\\(?${letter}[).]\\s+`).exec(text.slice(at));
    if (next === null) break;
    if (options.length > 0) options[options.length - 1] = text.slice(at, at + next.index).trim();
    at += next.index + next[0].length;
    options.push(text.slice(at).trim());
  }
  return options;
}
