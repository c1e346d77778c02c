/**
 * Feeds mutated trajectories, traces and queries to everything that reads them. A reader may refuse and must not throw,
 * hang, or show a character that it promises to make visible.
 */
import { readArgument, parseAction, parseVerdict, cleanThought } from '../../src/core/trajectory/parseAction.ts';
import { createRandom } from '../../src/core/run/random.ts';
import type { Random } from '../../src/core/run/random.ts';
import { lookupTools } from '../../src/core/tools/library.ts';
import { compareTraces } from '../../src/core/trajectory/compareTraces.ts';
import { readStoredLine } from '../../src/core/trajectory/storedTrajectory.ts';
import { notesOf } from '../../src/core/trajectory/storedNotes.ts';
import { summarise } from '../../src/core/trajectory/summary.ts';
import { decodeRow, encodeRow } from '../../src/core/trajectory/trajectoryIndex.ts';
import { outlineTrace } from '../../src/core/trajectory/traceOutline.ts';
import { renderTrace } from '../../src/core/trajectory/traceText.ts';
import { parseTrajectoryQuery } from '../../src/core/trajectory/trajectoryQuery.ts';
import { invisible } from '../../src/core/trajectory/visible.ts';

const published = {
  question: 'Where was Mira Solenne born?',
  answer: 'Harth',
  correct: true,
  reward: 1,
  halted: false,
  error: false,
  prompt:
    'System.\nQuestion: Where was Mira Solenne born?\n\nThought: I look.\nAction: Retrieve[Mira Solenne]\nObservation: She was born in Harth.\nThought: Done.\nAction: Finish[Harth]\nObservation: Answer is CORRECT',
};
const step = {
  thought: 't',
  tool: 'Retrieve',
  argument: 'a',
  observation: 'o',
  by: 'plan',
  parse: 'ok',
  outcome: 'hit',
};
/** The first of the seeds are trajectories. */
const trajectories = 3;
const seeds: readonly string[] = [
  JSON.stringify(published),
  JSON.stringify({
    id: '13b-easy/1',
    question: 'q',
    head: '',
    steps: [step, step],
    answer: null,
    answers: [],
    finished: false,
    halt: 'steps',
  }),
  JSON.stringify({
    id: 'synthesis/i-1/0',
    question: 'q',
    trajectory: { steps: [step], answer: 'a', answers: [], finished: true },
    correct: false,
    reward: 0.4,
    kept: false,
  }),
  'Retrieve[Mira Solenne]',
  '  "Search [a [nested] b].',
  'Reflect[wrong]',
  'outcome:wrong tool:"Retrieve" steps>=3 -level:hard words',
  '[12,34,1,"id","g","q","t","easy","right",1,3,["Retrieve"],"a",""]',
];
const pieces = [
  '\u0000',
  '\u001b[31m',
  '\u202e',
  '\ud800',
  '\udc00',
  '\ufeff',
  '\r\n',
  '\n',
  '\\n',
  '\\u0000',
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  '\nThought: ',
  '\nAction: ',
  '\nObservation: ',
  '\nThought: t\nAction: ',
  '=== Step 9',
  'Plan agent',
  '  Thought: ',
  'null',
  '-0',
  '1e999',
  '""',
  '<script>',
  '](command:x)',
  '😀',
  'İ',
  '\u{e0041}',
  '__proto__',
  'constructor',
  ':',
  '>=',
  '-',
];

function mutate(random: Random, text: string): string {
  let out = text;
  const times = 1 + Math.floor(random.next() * 4);
  for (let k = 0; k < times; k++) {
    const at = Math.floor(random.next() * (out.length + 1));
    const span = Math.floor(random.next() * 12);
    const piece = pieces[Math.floor(random.next() * pieces.length)] ?? '';
    switch (Math.floor(random.next() * 6)) {
      case 0:
        out = out.slice(0, at) + out.slice(at + span);
        break;
      case 1:
        out = out.slice(0, at) + piece + out.slice(at);
        break;
      case 2:
        out = out.slice(0, at) + piece + out.slice(at + span);
        break;
      case 3:
        out = out.slice(0, at) + out.slice(at, at + span).repeat(1 + Math.floor(random.next() * 5)) + out.slice(at);
        break;
      case 4:
        out = out.slice(0, at) + String.fromCharCode(Math.floor(random.next() * 0x10000)) + out.slice(at + 1);
        break;
      default:
        out = out.slice(0, at) + piece.repeat(1 + Math.floor(random.next() * 40)) + out.slice(at);
    }
  }
  return out;
}

/** Mutates a text within a line's JSON, so that the line stays a trajectory and what it says does not. */
function mutateWithin(random: Random, line: string): string {
  let left = 1 + Math.floor(random.next() * 12);
  return JSON.stringify(JSON.parse(line), (_key, value: unknown) =>
    typeof value === 'string' && --left === 0 ? mutate(random, value) : value,
  );
}

const allowed = /[\t\n]/g;
/** Headings stand at column 0 and nothing that a model or tool wrote does. */
const heading =
  /^(?:AutoAct trace: .*|(?:File|Run|Task|Question): .*|=== .*|\.\.\. .*|\S.{0,70} agent|Environment| .*|)$/;

export interface FuzzReport {
  readonly inputs: number;
  readonly readable: number;
  /** Milliseconds of the slowest input, and what it was. */
  readonly slowest: { readonly ms: number; readonly input: string };
}

/** @throws Error with the input that broke a promise */
export function fuzzParsers(count: number, seed: number, onProgress?: (done: number) => void): FuzzReport {
  const random = createRandom(seed).fork('fuzz');
  let readable = 0;
  let slowest = { ms: 0, input: '' };
  let pool = [...seeds];
  for (let n = 0; n < count; n++) {
    const input =
      random.next() < 0.3
        ? mutateWithin(random, seeds[Math.floor(random.next() * trajectories)] ?? '')
        : mutate(random, pool[Math.floor(random.next() * pool.length)] ?? '');
    const began = performance.now();
    try {
      if (check(input)) readable++;
    } catch (error) {
      throw new Error(`input ${n} of seed ${seed}: ${JSON.stringify(input)}`, { cause: error });
    }
    const ms = performance.now() - began;
    if (ms > slowest.ms) slowest = { ms, input };
    // Mutants are mutated on, and dropped before they grow without end.
    if (random.next() < 0.02 && input.length < 4000) pool.push(input);
    if (pool.length > 400) pool = [...seeds];
    if (onProgress !== undefined && n % 50_000 === 0) onProgress(n);
  }
  return { inputs: count, readable, slowest };
}

function check(input: string): boolean {
  parseAction(input, lookupTools);
  readArgument(input);
  parseVerdict(input);
  cleanThought(input, true);
  const reading = readStoredLine(input, 'file/1');
  const summary = summarise(reading, 'file/1', 'file');
  const query = parseTrajectoryQuery(input);
  query.accepts({ ...summary, disagreement: null });
  const row = { offset: 0, length: input.length, line: 1, summary };
  if (JSON.stringify(decodeRow(encodeRow(row))) !== JSON.stringify(row))
    throw new Error('an index row came back changed');
  try {
    decodeRow(input);
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
  }
  outlineTrace(input);
  if (!reading.ok) return false;
  const notes = notesOf(reading.trajectory);
  const header = { run: '', file: 'file, line 1', item: reading.trajectory.id, question: reading.trajectory.question };
  const { text, spans } = renderTrace(header, notes, { state: 'finished' });
  if (text.replace(allowed, '').search(invisible) >= 0) throw new Error('an invisible character is in the trace');
  const lines = text.split('\n');
  const wrong = lines.find((line) => !heading.test(line));
  if (wrong !== undefined) throw new Error(`a line stands at column 0: ${wrong}`);
  const steps = outlineTrace(text).filter(({ kind }) => kind === 'step').length;
  if (steps !== reading.trajectory.steps.length) throw new Error(`${steps} steps in the outline`);
  if (spans.some(({ line, endLine }) => endLine < line || endLine >= lines.length))
    throw new Error('a span is outside');
  const side = { header, notes, end: { state: 'finished' } as const };
  const both = compareTraces(side, side);
  if (both.left !== both.right) throw new Error('a trace differs from itself');
  return true;
}
