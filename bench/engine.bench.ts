import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request, Agent } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { startEngine, type RunningEngine } from '../src/node/embedded/engine.ts';
import { STARTER_SIZE, writeTinyModel } from '../test/engine/tinyModel.ts';

/**
 * Decode throughput of the embedded server over HTTP against node-llama-cpp's own batch API on the same model and
 * batch. Rounds alternate, so that both see the same machine; the peer gets the better of one and all threads.
 * Limit: at least 90 % of the peer at every batch size.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    model: { type: 'string' },
    tokens: { type: 'string', default: '96' },
    prompt: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    batches: { type: 'string', default: '1,8,32' },
    questions: { type: 'string', default: '48' },
    'peer-threads': { type: 'string', default: [...new Set([1, availableParallelism()])].join() },
  },
});
const LIMIT = 0.9;
const CONTEXT = 1024;
const batches = values.batches.split(',').map(Number);
const tokens = Number(values.tokens);
const promptLength = Number(values.prompt);
const folder = mkdtempSync(join(tmpdir(), 'autoact-bench-'));
const agent = new Agent({ keepAlive: true });

function post(
  engine: RunningEngine,
  body: Record<string, unknown>,
): Promise<{
  usage: { prompt_tokens: number; completion_tokens: number; prompt_tokens_details: { cached_tokens: number } };
  choices: { text: string }[];
}> {
  return new Promise((resolve, reject) => {
    const call = request(
      `${engine.baseURL}/completions`,
      { method: 'POST', agent, headers: { authorization: `Bearer ${engine.apiKey}` } },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          if (response.statusCode === 200) resolve(JSON.parse(text) as never);
          else reject(new Error(text));
        });
      },
    );
    call.on('error', reject);
    call.end(JSON.stringify(body));
  });
}

/** [tokens a second, processor microseconds a token]. */
type Rate = readonly [number, number];

const sampling = { model: 'base', temperature: 0.5, top_k: 40, top_p: 0.75 };

/** The prompt is evaluated by a first call, so that the measured one decodes only; streaming off, as the runner asks. */
async function ours(engine: RunningEngine, batch: number): Promise<Rate> {
  const prompts = Array.from({ length: batch }, (_, i) =>
    Array.from({ length: promptLength }, (_, j) => 5 + ((i * 7919 + j * 104729) % 250)),
  );
  await Promise.all(prompts.map((prompt) => post(engine, { ...sampling, prompt, max_tokens: 1, seed: 0 })));
  const before = cpuSeconds(engine.pid);
  const started = performance.now();
  const answers = await Promise.all(
    prompts.map((prompt, i) => post(engine, { ...sampling, prompt, max_tokens: tokens, seed: i, ignore_eos: true })),
  );
  const elapsed = performance.now() - started;
  const count = answers.reduce((sum, answer) => sum + answer.usage.completion_tokens, 0);
  return [(count * 1000) / elapsed, ((cpuSeconds(engine.pid) - before) * 1e6) / count];
}

/** Processor time of another process in seconds (Linux; elsewhere 0), which a busy machine distorts less than the clock. */
function cpuSeconds(pid: number): number {
  try {
    const fields =
      readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

async function peer(threads: number, model: string): Promise<Record<string, Rate>> {
  const job = { model, batches, tokens, prompt: promptLength, contextSize: CONTEXT, threads, flashAttention: 'auto' };
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
    join(import.meta.dirname, 'enginePeer.ts'),
    JSON.stringify(job),
  ]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, Rate>;
}

/** Questions answered side by side in `steps` calls each, every prompt extending the one before: the product's load. */
async function workload(engine: RunningEngine, questions: number, steps: number): Promise<Record<string, number>> {
  const system = 'answer the question by thoughts actions and observations with the tools of the library '.repeat(6);
  let completion = 0;
  let prompt = 0;
  let cached = 0;
  const before = cpuSeconds(engine.pid);
  const started = performance.now();
  await Promise.all(
    Array.from({ length: questions }, async (_, q) => {
      let text = `${system} question ${String(q * 7919)} who wrote the book of ${String(q)} `;
      for (let step = 0; step < steps; step++) {
        const { usage, choices } = await post(engine, {
          ...sampling,
          prompt: text,
          max_tokens: 15,
          seed: q * 100 + step,
          ignore_eos: true,
        });
        completion += usage.completion_tokens;
        prompt += usage.prompt_tokens;
        cached += usage.prompt_tokens_details.cached_tokens;
        text += `${choices[0]?.text ?? ''} ${step % 3 === 2 ? 'observation the page of the river was written in the town '.repeat(2) : ' thought '}`;
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  return {
    questions,
    steps,
    seconds: round(seconds),
    cpuMsPerCompletion: round(((cpuSeconds(engine.pid) - before) * 1000) / questions / steps),
    completionsPerSecond: round((questions * steps) / seconds),
    decodePerSecond: Math.round(completion / seconds),
    evaluatedPromptPerSecond: Math.round((prompt - cached) / seconds),
    meanPrompt: Math.round(prompt / questions / steps),
    cachedShare: round(cached / prompt),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;
const best = (rates: readonly Rate[]): number => Math.max(...rates.map(([rate]) => rate));
const leastCpu = (rates: readonly Rate[]): number => Math.round(Math.min(...rates.map(([, cpu]) => cpu)));

const model = values.model ?? (await writeTinyModel(join(folder, 'starter-size.gguf'), STARTER_SIZE));
const engine = await startEngine({
  entry: join(import.meta.dirname, '../src/node/embedded/engineMain.ts'),
  modelPath: model,
  contextSize: CONTEXT,
  parallel: Math.max(...batches),
});
try {
  const rows = batches.map((batch) => ({ batch, ours: [] as Rate[], peer: [] as Rate[] }));
  const threadCounts = values['peer-threads'].split(',').map(Number);
  for (let i = 0; i < Number(values.rounds); i++) {
    for (const row of rows) row.ours.push(await ours(engine, row.batch));
    for (const threads of threadCounts) {
      const rates = await peer(threads, model);
      for (const row of rows) row.peer.push(rates[row.batch] ?? [0, 0]);
    }
  }
  const load = await workload(engine, Number(values.questions), 12);
  const results = rows.map((row) => ({
    batch: row.batch,
    ours: Math.round(best(row.ours)),
    peer: Math.round(best(row.peer)),
    ratio: round(best(row.ours) / best(row.peer)),
    oursCpuMicros: leastCpu(row.ours),
    peerCpuMicros: leastCpu(row.peer),
  }));
  const pass = results.every((row) => row.ratio >= LIMIT);
  if (values.json)
    process.stdout.write(
      `${JSON.stringify({ name: 'engine', limit: LIMIT, pass, unit: 'decode tokens/s', results, workload: load })}\n`,
    );
  else {
    process.stdout.write(
      'Embedded server over HTTP against node-llama-cpp sequences, decode tokens/s (best of the rounds)\n',
    );
    for (const row of results)
      process.stdout.write(
        `batch ${String(row.batch).padStart(3)}  ours ${String(row.ours).padStart(6)}  peer ${String(row.peer).padStart(6)}  ratio ${row.ratio.toFixed(2)}  processor µs a token: ours ${String(row.oursCpuMicros)}, peer ${String(row.peerCpuMicros)}\n`,
      );
    process.stdout.write(`agent load: ${JSON.stringify(load)}\n${pass ? 'PASS' : 'FAIL'}: limit ${String(LIMIT)}\n`);
  }
  process.exitCode = pass ? 0 : 1;
} finally {
  await engine.stop();
  agent.destroy();
  rmSync(folder, { recursive: true, force: true });
}
