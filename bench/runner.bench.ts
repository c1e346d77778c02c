/**
 * The runner against a server with a fixed delay a call, in a process of its own: how close 64-fold concurrency comes to
 * the ideal wall time, and how much of our CPU a call costs, with the full log written.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { groupPlan } from '../src/core/methods/groupPlan.ts';
import { modes } from '../src/core/pipeline/mode.ts';
import { runItems } from '../src/core/run/runner.ts';
import { lookupTools } from '../src/core/tools/library.ts';
import { LogFile } from '../src/node/store/logFile.ts';
import { HttpEndpoint } from '../src/node/openai/endpoint.ts';
import { ModelServer } from '../src/node/openai/modelServer.ts';
import { loadPrompts } from '../src/node/store/prompts.ts';
import { builtInLibrary } from '../src/node/tools/builtIn.ts';
import { Toolbox } from '../src/node/tools/toolbox.ts';

const delayMs = 200;
const concurrency = 64;
const questions = 640;
const limits = { ofIdeal: 0.95, cpuMsPerCall: 1.5 };

/** Says what group planning needs to take two steps and an approved answer: eight calls a question. */
function reply(prompt: string): string {
  const history = prompt.slice(prompt.lastIndexOf('Question:'));
  if (prompt.endsWith('Thought:')) return ' I think about what is known.';
  if (prompt.endsWith('[')) return 'Mira Torvel]';
  if (history.includes('Judge it now')) return ' Reflect[right]';
  return history.includes('Observation:') ? ' Finish' : ' Retrieve';
}
const callsAQuestion = 8;

if (process.argv[2] === 'server') {
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const { prompt, model } = JSON.parse(text) as { prompt: string; model: string };
      const body = JSON.stringify({
        id: 'c',
        object: 'text_completion',
        created: 0,
        model,
        choices: [{ index: 0, text: reply(prompt), finish_reason: 'stop' }],
        usage: { prompt_tokens: 400, completion_tokens: 12, total_tokens: 412 },
      });
      setTimeout(() => {
        response.setHeader('content-type', 'application/json').end(body);
      }, delayMs);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
} else {
  const child = fork(import.meta.filename, ['server'], { execArgv: process.execArgv });
  const port = await new Promise<number>((ready) =>
    child.once('message', (m) => {
      ready(Number(m));
    }),
  );
  const folder = mkdtempSync(join(tmpdir(), 'autoact-bench-'));
  const client = new ModelServer({
    name: 'delay',
    endpoint: new HttpEndpoint({
      name: 'delay',
      baseURL: `http://127.0.0.1:${port}/v1`,
      apiKey: '',
      timeoutSeconds: 30,
    }),
    dialect: { api: 'completions', topK: false, seed: true, limit: 'max_tokens', prefill: 'none' },
    concurrency,
  });
  const toolbox = new Toolbox(
    builtInLibrary([{ title: 'Mira Torvel', paragraphs: ['Mira Torvel was born in Arden in 1831.'] }]),
  );
  const template = loadPrompts('prompts').get('agent');
  if (template === undefined) throw new Error('prompts/agent.md is missing');
  const run = async (count: number, path: string): Promise<void> => {
    const log = LogFile.open(path);
    const outcomes = await runItems({
      items: Array.from({ length: count }, (_, i) => ({
        key: `q${i}`,
        start: () =>
          groupPlan({
            key: `q${i}`,
            question: `Where was person ${i} born?`,
            context: { template, description: 'You answer questions.', tools: lookupTools },
            options: {
              mode: modes.fixed,
              maxSteps: 10,
              maxReflections: 1,
              maxPromptChars: 14_000,
              maxTokens: { thought: 64, action: 24 },
              sampling: { temperature: 0, topP: 1, topK: 0 },
              seed: 1,
            },
          }),
      })),
      drivers: { complete: (r, s) => client.complete('base', r, s), call: (r) => toolbox.call(r) },
      log,
      concurrency,
      signal: new AbortController().signal,
      now: () => Date.now(),
      hash: (text) => createHash('sha256').update(text).digest('hex'),
    });
    log.close();
    if ([...outcomes.values()].some((o) => o.state !== 'done' || !o.result.finished))
      throw new Error('not every question was answered');
  };
  try {
    await run(concurrency, join(folder, 'warm.jsonl'));
    const cpuBefore = process.cpuUsage();
    const began = performance.now();
    await run(questions, join(folder, 'log.jsonl'));
    const wallMs = performance.now() - began;
    const cpu = process.cpuUsage(cpuBefore);
    const calls = questions * callsAQuestion;
    const result = {
      name: 'runner',
      calls,
      concurrency,
      delayMs,
      wallMs: Math.round(wallMs),
      idealMs: (calls / concurrency) * delayMs,
      ofIdeal: Number((((calls / concurrency) * delayMs) / wallMs).toFixed(3)),
      cpuMsPerCall: Number(((cpu.user + cpu.system) / 1000 / calls).toFixed(3)),
      logBytes: statSync(join(folder, 'log.jsonl')).size,
      limits,
      machine: `${cpus().length} × ${cpus()[0]?.model ?? ''}`,
    };
    if (process.argv.includes('--json')) console.log(JSON.stringify(result));
    else {
      console.log(
        `${calls} calls, ${concurrency} at once, ${delayMs} ms each: ${(wallMs / 1000).toFixed(2)} s, ideal ${(result.idealMs / 1000).toFixed(2)} s`,
      );
      console.log(`  ${(result.ofIdeal * 100).toFixed(1)} % of the ideal (limit ${limits.ofIdeal * 100} %)`);
      console.log(
        `  ${result.cpuMsPerCall} ms of CPU a call (limit ${limits.cpuMsPerCall} ms), log ${(result.logBytes / 1e6).toFixed(1)} MB`,
      );
    }
    if (result.ofIdeal < limits.ofIdeal || result.cpuMsPerCall > limits.cpuMsPerCall) process.exitCode = 1;
  } finally {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
