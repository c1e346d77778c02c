/**
 * Development probe of the starter model: rolls questions of a world out, in this process, and tallies accuracy by
 * level and the kinds of failure. Outside the product's path; the product's figures come from `autoact run`.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import type { LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp';
import { scoreAnswer } from '../src/core/evaluate/metrics.ts';
import { agentHistory } from '../src/core/methods/agentPrompt.ts';
import { groupPlan } from '../src/core/methods/groupPlan.ts';
import type { PlanningInput } from '../src/core/methods/planning.ts';
import { zeroShotPlan } from '../src/core/methods/zeroShotPlan.ts';
import { modes } from '../src/core/pipeline/mode.ts';
import type { Answer, CompletionRequest, Method, NoteAnswer, Request } from '../src/core/run/request.ts';
import { lookupTools } from '../src/core/tools/library.ts';
import type { Trajectory } from '../src/core/trajectory/trajectory.ts';
import { known } from '../src/core/world/known.ts';
import { generateQuestions } from '../src/core/world/questions.ts';
import type { WorldQuestion } from '../src/core/world/types.ts';
import { generateWorld } from '../src/core/world/world.ts';
import { loadPrompts } from '../src/node/store/prompts.ts';
import { builtInLibrary } from '../src/node/tools/builtIn.ts';
import { Toolbox } from '../src/node/tools/toolbox.ts';
import { descriptions } from './corpus/rates.ts';

const program = new Command('probe')
  .description('Rolls the starter model out on questions of a world and tallies what comes of it.')
  .option('--model <file>', 'GGUF file', join(import.meta.dirname, 'weights', 'starter.gguf'))
  .option('--world <seed>', 'seed of the world', Number, 1)
  .option('--questions <seed>', 'seed of the questions', Number, 1)
  .option('--per-level <n>', 'questions a level', Number, 64)
  .option('--temperature <t>', 'sampling temperature', Number, 0)
  .option('--method <name>', 'group (three roles, as evaluated) or single (as trajectories are synthesised)', 'group')
  .option('--steps <n>', 'most steps', Number, 10)
  .option('--tools <names>', 'selected tools', 'Retrieve,Lookup,Search')
  .option('--rollouts <n>', 'rollouts a question', Number, 1)
  .option('--adapter <role=file...>', 'LoRA adapter of a role (GGUF)')
  .option('--save <file>', 'write texts of correct rollouts as corpus lines (JSON Lines)')
  .option('--save-all', 'save the others too')
  .option('--show <n>', 'print so many rollouts', Number, 0);
program.parse();
const options = program.opts<{
  model: string; world: number; questions: number; perLevel: number; temperature: number; method: string; steps: number; tools: string;
  rollouts: number; adapter?: string[]; save?: string; saveAll?: boolean; show: number;
}>();

const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error, progressLogs: false });
const model = await llama.loadModel({ modelPath: options.model });
const adapters = new Map((options.adapter ?? []).map((text) => text.split('=') as [string, string]));

/** A question's sequences, one an adapter: what was computed for its last prompt is kept for the next. */
class Lane {
  readonly #sequences = new Map<string, LlamaContextSequence>();
  readonly #contexts: ReadonlyMap<string, LlamaContext>;

  constructor(contexts: ReadonlyMap<string, LlamaContext>) {
    this.#contexts = contexts;
  }

  async complete(request: CompletionRequest): Promise<Answer> {
    const name = adapters.get(request.role) ?? '';
    const sequence = this.#sequences.get(name) ?? known(this.#contexts.get(name)).getSequence();
    this.#sequences.set(name, sequence);
    const { bos, shouldPrependBosToken } = model.tokens;
    const prompt = [...(shouldPrependBosToken && bos !== null ? [bos] : []), ...model.tokenize(request.prompt)];
    await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
    const { temperature, topP, topK, seed } = request.sampling;
    const made: Token[] = [];
    const answer = (text: string, finish: 'stop' | 'length'): Answer => ({ kind: 'completion', text, finish, usage: { promptTokens: prompt.length, completionTokens: made.length } });
    for await (const token of sequence.evaluate(prompt.slice(sequence.nextTokenIndex), { temperature, topP, topK, minP: 0, seed, yieldEogToken: true })) {
      if (model.isEogToken(token)) break;
      made.push(token);
      const text = model.detokenize(made, false, prompt.slice(-1));
      const cut = request.stop.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
      if (cut.length > 0) return answer(text.slice(0, Math.min(...cut)), 'stop');
      if (made.length >= request.maxTokens) return answer(text, 'length');
    }
    return answer(model.detokenize(made, false, prompt.slice(-1)), 'stop');
  }
}

// One sequence a context: cells of a shared cache cost every sequence attention, however they are masked.
const names = [...new Set(['', ...adapters.values()])];
async function openContexts(): Promise<ReadonlyMap<string, LlamaContext>> {
  const contexts = new Map<string, LlamaContext>();
  for (const name of names) {
    contexts.set(name, await model.createContext({ contextSize: 1536, sequences: 1, threads: 1, ...(name === '' ? {} : { lora: { adapters: [{ filePath: name }] } }) }));
  }
  return contexts;
}
const lanes: Lane[] = [];
for (let i = 0; i < 2 * Math.min(2, availableParallelism()); i++) lanes.push(new Lane(await openContexts()));

const world = generateWorld({ seed: options.world });
const toolbox = new Toolbox(builtInLibrary(world.pages));
const noted: NoteAnswer = { kind: 'noted' };
const answerOne = (lane: Lane, request: Request): Promise<Answer> =>
  request.kind === 'complete' ? lane.complete(request) : request.kind === 'tool' ? toolbox.call(request) : Promise.resolve(noted);

async function drive(lane: Lane, method: Method<Trajectory>): Promise<Trajectory> {
  for (let next = method.next(); ; ) {
    if (next.done) return next.value;
    const request = next.value;
    const answer: Answer | Answer[] = Array.isArray(request) ? await Promise.all((request as readonly Request[]).map((one) => answerOne(lane, one))) : await answerOne(lane, request as Request);
    next = method.next(answer);
  }
}

const tools = options.tools.split(',').map((name) => known(lookupTools.find((tool) => tool.name === name)));
const context = { template: known(loadPrompts(join(import.meta.dirname, '..', 'prompts')).get('agent')), description: known(descriptions[0]), tools };
const questions = generateQuestions(world, { seed: options.questions, perLevel: options.perLevel });

interface Result {
  readonly question: WorldQuestion;
  readonly trajectory: Trajectory;
  readonly f1: number;
  readonly right: boolean;
  readonly firstRight: boolean;
}

const started = performance.now();
const jobs = questions.flatMap((question) => Array.from({ length: options.rollouts }, (_, r) => ({ question, r })));
const results: Result[] = [];
const worker = async (lane: Lane): Promise<void> => {
  for (let job = jobs.shift(); job; job = jobs.shift()) {
    const { question, r } = job;
    const input: PlanningInput = {
      key: `${question.id}-${r}`, question: question.question, context,
      options: {
        mode: modes.fixed, maxSteps: options.steps, maxReflections: 1, maxPromptChars: 14000, maxTokens: { thought: 128, action: 48 },
        sampling: { temperature: options.temperature, topP: 1, topK: 0 }, seed: 1,
      },
    };
    const trajectory = await drive(lane, options.method === 'group' ? groupPlan(input) : zeroShotPlan(input));
    const score = (text: string | null): { f1: number; em: number } => scoreText(text, question.answer);
    results.push({
      question, trajectory, f1: score(trajectory.answer).f1, right: score(trajectory.answer).em === 1,
      firstRight: score(trajectory.answers[0]?.text ?? null).em === 1,
    });
  }
};
await Promise.all(lanes.map(worker));
const seconds = (performance.now() - started) / 1000;

function scoreText(text: string | null, gold: string): { f1: number; em: number } {
  if (text === null) return { f1: 0, em: 0 };
  return scoreAnswer('f1', text, gold);
}

const share = (list: readonly Result[], test: (r: Result) => boolean): string => `${((100 * list.filter(test).length) / Math.max(list.length, 1)).toFixed(1)} %`;
const row = (name: string, list: readonly Result[]): Record<string, string | number> => ({
  questions: name, n: list.length, right: share(list, (r) => r.right),
  f1: (100 * list.reduce((sum, r) => sum + r.f1, 0) / Math.max(list.length, 1)).toFixed(1),
  first: share(list, (r) => r.firstRight),
  'early finish': share(list, (r) => !r.right && r.trajectory.steps.filter((s) => s.tool === 'Retrieve' && s.outcome === 'hit').length < new Set(r.question.hops.map((h) => h.subject)).size),
  misread: share(list, (r) => r.trajectory.steps.some((s) => s.parse !== 'ok')),
  miss: share(list, (r) => r.trajectory.steps.some((s) => s.outcome === 'miss')),
  'says right': share(list, (r) => r.trajectory.answers[0]?.verdict === 'right'),
  'verdict true': share(list, (r) => (r.trajectory.answers[0]?.verdict === 'right') === r.firstRight),
  halted: share(list, (r) => !r.trajectory.finished),
  steps: (list.reduce((sum, r) => sum + r.trajectory.steps.length, 0) / Math.max(list.length, 1)).toFixed(1),
});
const table = [...(['easy', 'medium', 'hard'] as const).map((level) => row(level, results.filter((r) => r.question.level === level))), row('all', results)];
const types = [...new Set(results.map((r) => `${r.question.level} ${r.question.type}`))].sort();
console.table([...table, ...types.map((type) => row(type, results.filter((r) => `${r.question.level} ${r.question.type}` === type)))]);
console.log(`${results.length} rollouts in ${seconds.toFixed(1)} s`);

const textOf = (r: Result): string => agentHistory(context, r.question.question, r.trajectory.steps);
const headOf = (r: Result): number => agentHistory(context, r.question.question, []).length;
for (const r of results.slice(0, options.show)) {
  console.log(`--- ${r.question.level} ${r.question.type}: ${r.question.question} [${r.question.answer}] ${r.right ? 'RIGHT' : 'WRONG'}`);
  console.log(textOf(r).slice(headOf(r)));
}
if (options.save) {
  const lines = results.filter((r) => r.right || options.saveAll).map((r) => JSON.stringify({ id: r.question.id, level: r.question.level, right: r.right, firstRight: r.firstRight, question: r.question.question, answer: r.question.answer, trajectory: r.trajectory, text: textOf(r), lossFrom: headOf(r) }));
  writeFileSync(options.save, `${lines.join('\n')}\n`);
}
process.exit(0);
