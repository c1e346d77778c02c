/**
 * Writes the text on which the starter model is pretrained: pages of invented worlds, question lists, tool selections
 * and deliberately imperfect trajectories, in the very formats in which the product will ask.
 */
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { Command } from 'commander';
import { PassageGraph } from '../src/core/pipeline/grounding.ts';
import { createRandom } from '../src/core/run/random.ts';
import { weighted } from '../src/core/world/draw.ts';
import { generateQuestions } from '../src/core/world/questions.ts';
import { loadPrompts } from '../src/node/store/prompts.ts';
import { openWorld } from './corpus/context.ts';
import type { CorpusLine } from './corpus/context.ts';
import { defaultRates } from './corpus/rates.ts';
import type { Rates } from './corpus/rates.ts';
import { writeDrill } from './corpus/drills.ts';
import { writeSelfInstruct } from './corpus/selfInstruct.ts';
import { writeToolSelection } from './corpus/toolSelect.ts';
import { writeTrajectory } from './corpus/trajectory.ts';

/** Worlds below this seed are for evaluation and for users; pretraining never sees them. */
const firstWorldSeed = 1000;

const program = new Command('corpus')
  .description('Writes the pretraining corpus of the starter model as JSON Lines, with the recipe beside it.')
  .requiredOption('--out <folder>', 'where corpus.jsonl and corpus.json go')
  .option('--worlds <n>', 'number of worlds', Number, 100)
  .option('--page-worlds <n>', 'worlds whose pages are written out', Number, 25)
  .option('--size <n>', 'pages a world', Number, 1000)
  .option('--seed <n>', 'seed of everything', Number, 1)
  .option('--trajectories <n>', 'number of trajectories', Number, 22000)
  .option('--self-instruct <n>', 'number of self-instruct texts', Number, 6000)
  .option('--tool-select <n>', 'number of tool selections', Number, 1500)
  .option('--drills <n>', 'number of copying drills', Number, 16000)
  .option('--levels <easy,medium,hard>', 'shares of the levels among trajectories', '0.3,0.37,0.33');
for (const [name, value] of Object.entries(defaultRates)) {
  program.option(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} <p>`, `rate (default ${value})`, Number, value);
}
program.parse();
const options = program.opts<Rates & {
  out: string; worlds: number; pageWorlds: number; size: number; seed: number; trajectories: number; selfInstruct: number; toolSelect: number; drills: number; levels: string;
}>();
const rates = Object.fromEntries(Object.keys(defaultRates).map((name) => [name, options[name as keyof Rates]])) as unknown as Rates;

const started = performance.now();
mkdirSync(options.out, { recursive: true });
const out = createWriteStream(join(options.out, 'corpus.jsonl'));
const prompts = loadPrompts(join(import.meta.dirname, '..', 'prompts'));
const random = createRandom(`corpus ${options.seed}`);
const counts: Record<string, { lines: number; characters: number }> = {};
const faults: Record<string, number> = {};
const outcomes: Record<string, { trajectories: number; firstRight: number; right: number; steps: number }> = {};
const bump = (name: string): void => void (faults[name] = (faults[name] ?? 0) + 1);

async function write(line: CorpusLine): Promise<void> {
  const { text, kind, lossFrom, mask } = line;
  const count = (counts[kind] ??= { lines: 0, characters: 0 });
  count.lines++;
  count.characters += text.length;
  if (!out.write(`${JSON.stringify({ text, kind, ...(lossFrom === undefined ? {} : { lossFrom }), ...(mask ? { mask } : {}) })}\n`)) await once(out, 'drain');
}

const shares = options.levels.split(',').map(Number);
const perWorld = (total: number, world: number): number => Math.floor(((world + 1) * total) / options.worlds) - Math.floor((world * total) / options.worlds);

for (let w = 0; w < options.worlds; w++) {
  const seed = firstWorldSeed + options.seed * 10000 + w;
  const stream = random.fork(`world ${w}`);
  const context = openWorld(seed, options.size, prompts);
  if (w < options.pageWorlds) {
    for (const page of context.world.pages) {
      await write({ kind: 'page', text: stream.next() < 0.5 ? `${page.title}\n${page.paragraphs.join('\n')}\n` : `${page.title}: ${page.paragraphs.join(' ')}\n` });
    }
  }
  const trajectories = perWorld(options.trajectories, w);
  const questions = generateQuestions(context.world, { seed: options.seed, perLevel: Math.max(60, Math.ceil(trajectories * 0.6)) });
  const byLevel = { easy: questions.filter((q) => q.level === 'easy'), medium: questions.filter((q) => q.level === 'medium'), hard: questions.filter((q) => q.level === 'hard') };
  for (let i = 0; i < trajectories; i++) {
    const level = weighted(stream, [['easy', shares[0] ?? 1], ['medium', shares[1] ?? 1], ['hard', shares[2] ?? 1]] as const);
    const question = byLevel[level].pop() ?? stream.pick(questions);
    const rollout = writeTrajectory(context, question, rates, stream);
    await write(rollout.line);
    for (const fault of rollout.faults) bump(fault);
    const outcome = (outcomes[`${rollout.author} ${question.level}`] ??= { trajectories: 0, firstRight: 0, right: 0, steps: 0 });
    outcome.trajectories++;
    outcome.firstRight += rollout.firstRight ? 1 : 0;
    outcome.right += rollout.right ? 1 : 0;
    outcome.steps += rollout.steps;
  }
  const graph = new PassageGraph(context.world.pages);
  const pool = generateQuestions(context.world, { seed: options.seed + 1, perLevel: 100 });
  for (let i = 0; i < perWorld(options.selfInstruct, w); i++) {
    const line = writeSelfInstruct(context, graph, pool, rates, stream);
    faults['self-instruct pair'] = (faults['self-instruct pair'] ?? 0) + line.faults;
    await write(line);
  }
}
const drilling = random.fork('drills');
for (let i = 0; i < options.drills; i++) await write(writeDrill(drilling));
const selecting = random.fork('tool selection');
for (let i = 0; i < options.toolSelect; i++) {
  const line = writeToolSelection(prompts, rates, selecting);
  if (line.faulty) bump('tool selection');
  await write(line);
}
out.end();
await once(out, 'finish');

const { out: _folder, ...recipe } = options;
const rounded = Object.fromEntries(
  Object.entries(outcomes).map(([name, { trajectories, ...sums }]) => [
    name,
    { trajectories, ...Object.fromEntries(Object.entries(sums).map(([key, sum]) => [key, Math.round((1000 * sum) / trajectories) / 1000])) },
  ]),
);
const summary = {
  recipe: { ...recipe, worldSeeds: [firstWorldSeed + options.seed * 10000, firstWorldSeed + options.seed * 10000 + options.worlds - 1], prompts: Object.fromEntries([...prompts].map(([name, { version }]) => [name, version])) },
  counts: Object.fromEntries(Object.entries(counts).map(([kind, { lines, characters }]) => [kind, { lines, characters, mean: Math.round(characters / lines) }])),
  outcomes: rounded,
  faults,
};
writeFileSync(join(options.out, 'corpus.json'), `${JSON.stringify(summary, null, 2)}\n`);
console.log(JSON.stringify(summary, null, 2));
console.error(`Wrote ${join(options.out, 'corpus.jsonl')} in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
