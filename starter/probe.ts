/**
 * Development probe of the starter model: rolls questions of a world out, in this process, and tallies accuracy by
 * level and the kinds of failure. Outside the product's path; the product's figures come from `autoact run`.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
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
import { checkModel } from '../src/node/embedded/inference/ggufChecks.ts';
import { ModelHost } from '../src/node/embedded/inference/modelHost.ts';
import { StopText } from '../src/node/embedded/inference/stopText.ts';
import { loadPrompts } from '../src/node/store/prompts.ts';
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
const host = new ModelHost(llama, await llama.loadModel({ modelPath: options.model }), await checkModel(options.model), {
  contextSize: 1536, parallel: 32, threads: undefined, cores: availableParallelism(), baseNames: ['base'],
});
const adapters = new Map<string, string>();
for (const [role, file] of (options.adapter ?? []).map((text) => text.split('='))) {
  await host.addAdapter(known(role), known(file));
  adapters.set(known(role), known(role));
}

async function complete(request: CompletionRequest): Promise<Answer> {
  const prompt = host.tokenize(request.prompt, true);
  const stream = host.text.stream();
  const stopper = new StopText(request.stop);
  let text = '';
  let stopped = false;
  let completionTokens = 0;
  const { finish } = await host.generate(adapters.get(request.role) ?? 'base', {
    prompt, maxTokens: request.maxTokens, sampling: request.sampling, choice: 0, ignoreEnd: false, logprobs: undefined, scorePrompt: false,
    signal: new AbortController().signal,
    onToken(token) {
      completionTokens++;
      const piece = stopper.push(stream.push(token));
      text += piece.text;
      stopped ||= piece.stopped;
      return piece.stopped;
    },
  });
  if (!stopped) text += stopper.flush();
  return { kind: 'completion', text, finish: stopped ? 'stop' : finish, usage: { promptTokens: prompt.length, completionTokens } };
}

const world = generateWorld({ seed: options.world });
const toolbox = new Toolbox(world.pages);
const noted: NoteAnswer = { kind: 'noted' };
const answerOne = (request: Request): Promise<Answer> =>
  request.kind === 'complete' ? complete(request) : request.kind === 'tool' ? toolbox.call(request) : Promise.resolve(noted);

async function drive(method: Method<Trajectory>): Promise<Trajectory> {
  for (let next = method.next(); ; ) {
    if (next.done) return next.value;
    const request = next.value;
    const answer: Answer | Answer[] = Array.isArray(request) ? await Promise.all((request as readonly Request[]).map(answerOne)) : await answerOne(request as Request);
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
const worker = async (): Promise<void> => {
  for (let job = jobs.shift(); job; job = jobs.shift()) {
    const { question, r } = job;
    const input: PlanningInput = {
      key: `${question.id}-${r}`, question: question.question, context,
      options: {
        mode: modes.fixed, maxSteps: options.steps, maxReflections: 1, maxPromptChars: 14000, maxTokens: { thought: 128, action: 48 },
        sampling: { temperature: options.temperature, topP: 1, topK: 0 }, seed: 1,
      },
    };
    const trajectory = await drive(options.method === 'group' ? groupPlan(input) : zeroShotPlan(input));
    const score = (text: string | null): { f1: number; em: number } => scoreText(text, question.answer);
    results.push({
      question, trajectory, f1: score(trajectory.answer).f1, right: score(trajectory.answer).em === 1,
      firstRight: score(trajectory.answers[0]?.text ?? null).em === 1,
    });
  }
};
await Promise.all(Array.from({ length: 64 }, worker));
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
await host.dispose();
process.exit(0);
