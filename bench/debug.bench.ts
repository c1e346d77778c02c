/**
 * What a step costs in a replay, through the whole of the debug session: request, response, stop, frames and variables,
 * as an editor asks for them. A thousand steps forwards over plans of a hundred steps each, then as many back.
 */
import { setImmediate } from 'node:timers/promises';
import { groupPlan } from '../src/core/methods/groupPlan.ts';
import type { PlanningInput } from '../src/core/methods/planning.ts';
import { modes } from '../src/core/pipeline/mode.ts';
import type { LogEntry } from '../src/core/run/log.ts';
import { runItems } from '../src/core/run/runner.ts';
import { lookupTools } from '../src/core/tools/library.ts';
import { PlanDebugSession } from '../src/dap/session.ts';
import { sha256 } from '../src/node/debug/runTargets.ts';
import { loadPrompts } from '../src/node/store/prompts.ts';

const limits = { medianMs: 5 };
const steps = 1000;
const planSteps = 100;

const template = loadPrompts('prompts').get('agent');
if (template === undefined) throw new Error('prompts/agent.md is missing');
const input: PlanningInput = {
  key: 'evaluation/bench/q/0',
  question: 'Which of the harbour towns of Orvale lies furthest in the north?',
  context: { template, description: 'You answer questions.', tools: lookupTools },
  options: {
    mode: modes.fixed,
    maxSteps: planSteps,
    maxReflections: 0,
    maxPromptChars: 1_000_000,
    maxTokens: { thought: 256, action: 64 },
    sampling: { temperature: 0, topP: 1, topK: 0 },
    seed: 1,
  },
};

/** A plan that looks something up a hundred times: its last prompts are some 20,000 characters long. */
async function record(): Promise<readonly LogEntry[]> {
  const log: LogEntry[] = [];
  let asked = 0;
  await runItems({
    items: [{ key: input.key, start: () => groupPlan(input) }],
    drivers: {
      complete: ({ purpose }) =>
        Promise.resolve({
          kind: 'completion',
          text:
            purpose === 'thought'
              ? ` I have to look at town number ${++asked} next.`
              : purpose === 'tool'
                ? ' Retrieve'
                : `Town ${asked}]`,
          finish: 'stop',
          usage: { promptTokens: 900, completionTokens: 12 },
        }),
      call: ({ argument, state }) =>
        Promise.resolve({
          kind: 'observation',
          text: `${argument} is a harbour town of Orvale; its lighthouse was built in 18${asked % 90}.`,
          outcome: 'hit',
          state,
        }),
    },
    log: { entries: () => [], append: (entry) => void log.push(entry) },
    concurrency: 1,
    signal: new AbortController().signal,
    now: () => 0,
    hash: sha256,
  });
  return log;
}

interface Message {
  readonly type: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly body?: Record<string, unknown>;
}

/** A session with the editor's part reduced to the least that can be measured. */
class Client {
  readonly #session: PlanDebugSession;
  readonly #responses = new Map<number, (message: Message) => void>();
  #stopped: ((body: Record<string, unknown>) => void) | undefined;
  #seq = 0;

  constructor(session: PlanDebugSession) {
    this.#session = session;
    session.onDidSendMessage((sent) => {
      const message = sent as Message;
      if (message.type === 'response') this.#responses.get(message.request_seq ?? 0)?.(message);
      else if (message.event === 'stopped') this.#stopped?.(message.body ?? {});
    });
  }

  request(command: string, args: object): Promise<Record<string, unknown>> {
    const seq = ++this.#seq;
    return new Promise((resolve) => {
      this.#responses.set(seq, ({ body }) => {
        this.#responses.delete(seq);
        resolve(body ?? {});
      });
      this.#session.handleMessage({ seq, type: 'request', command, arguments: args } as never);
    });
  }

  stopped(): Promise<Record<string, unknown>> {
    return new Promise((resolve) => (this.#stopped = resolve));
  }

  /** A step as an editor makes it: it ends when the variables are there. */
  async step(command: string): Promise<{ ms: number; reason: unknown }> {
    const began = performance.now();
    const stop = this.stopped();
    await this.request(command, { threadId: 1 });
    const { reason } = await stop;
    const { stackFrames } = (await this.request('stackTrace', { threadId: 1 })) as { stackFrames: { id: number }[] };
    const { scopes } = (await this.request('scopes', { frameId: stackFrames[0]?.id })) as {
      scopes: { variablesReference: number; expensive: boolean }[];
    };
    for (const { variablesReference, expensive } of scopes)
      if (!expensive) await this.request('variables', { variablesReference });
    return { ms: performance.now() - began, reason };
  }
}

const entries = await record();
const forward: number[] = [];
const back: number[] = [];
while (forward.length < steps) {
  const session = new PlanDebugSession({
    open: () =>
      Promise.resolve({
        targets: [
          {
            key: input.key,
            header: { run: 'bench', item: input.key, question: input.question },
            start: () => groupPlan(input),
            entries,
            forks: {
              open: () => {
                throw new Error('a replay makes no fork');
              },
            },
          },
        ],
        close: () => Promise.resolve(),
      }),
    hash: sha256,
    now: () => 0,
    breathe: () => setImmediate(),
  });
  const client = new Client(session);
  await client.request('initialize', { adapterID: 'autoact', pathFormat: 'path' });
  const entered = client.stopped();
  const launched = client.request('launch', {});
  await setImmediate();
  await client.request('configurationDone', {});
  await launched;
  await entered;
  for (let reason: unknown; reason !== 'end' && forward.length < steps;) {
    const step = await client.step('next');
    forward.push(step.ms);
    ({ reason } = step);
  }
  const taken = forward.length;
  for (let k = 0; k < 100 && back.length < taken; k++) back.push((await client.step('stepBack')).ms);
  await client.request('disconnect', {});
}

function summary(values: readonly number[]): { median: number; p95: number; most: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { median: at(0.5), p95: at(0.95), most: at(1) };
}
const [f, b] = [summary(forward), summary(back)];
const text = ({ median, p95, most }: typeof f): string =>
  `median ${median.toFixed(2)} ms, 95 % below ${p95.toFixed(2)} ms, longest ${most.toFixed(1)} ms`;
console.log(
  `${forward.length} steps forwards in plans of ${planSteps} steps: ${text(f)} (limit of the median ${limits.medianMs} ms)`,
);
console.log(`${back.length} steps back: ${text(b)}`);
process.exitCode = f.median < limits.medianMs ? 0 : 1;
