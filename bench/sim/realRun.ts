import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server } from '../../src/core/pipeline/settings.ts';
import { runItems } from '../../src/core/run/runner.ts';
import { ModelServers } from '../../src/node/openai/modelServers.ts';
import { LogFile } from '../../src/node/store/logFile.ts';
import type { Report, Start } from './httpServer.ts';
import { digestOf } from './virtualRun.ts';
import { asMethod, type PlannedTrajectory } from './workload.ts';

export interface SimProcess {
  readonly baseURL: string;
  report(): Promise<Report>;
  stop(): void;
}

/** Starts the simulated server in a process of its own. */
export async function startSim(start: Start): Promise<SimProcess> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'httpServer.ts'), { execArgv: process.execArgv });
  const port = new Promise<number>((ready) => child.once('message', (message) => ready(Number(message))));
  child.send(start);
  const root = `http://127.0.0.1:${await port}`;
  return {
    baseURL: `${root}/v1`,
    report: async () => (await (await fetch(`${root}/report`)).json()) as Report,
    stop: () => child.kill(),
  };
}

export interface RealResult {
  readonly ms: number;
  /** Of this process alone, which writes the full log. */
  readonly cpuMsPerCall: number;
  readonly digest: string;
  readonly failed: number;
  readonly report: Report;
}

/**
 * A workload with the product's whole path to a server: probe, policies, HTTP, the run's log on disk.
 * @param settings of the server; none, so that what is measured is what a user gets who sets nothing
 */
export async function realRun(
  plan: readonly PlannedTrajectory[],
  start: Start,
  settings: Record<string, unknown> = {},
  itemsAtOnce = 512,
): Promise<RealResult> {
  const sim = await startSim(start);
  const folder = mkdtempSync(join(tmpdir(), 'autoact-sim-'));
  const log = LogFile.open(join(folder, 'log.jsonl'));
  const models = new ModelServers({
    servers: { sim: Server.parse({ baseURL: sim.baseURL, api: 'completions', ...settings }) },
    embedded: () => Promise.reject(new Error('no engine here')),
    embeddedConcurrency: 1,
    secret: () => undefined,
  });
  try {
    await models.capabilities({ server: 'sim', model: 'base' }, new AbortController().signal);
    const cpu = process.cpuUsage();
    const began = performance.now();
    const outcomes = await runItems({
      items: plan.map((planned) => ({ key: planned.id, start: () => asMethod(planned) })),
      drivers: {
        complete: async (request, signal, item) => ({
          ...(await models.complete({ server: 'sim', model: request.role }, request, signal, item)),
          model: request.role,
        }),
        call: async (request) => {
          await new Promise((go) => setTimeout(go, Number(request.tool)));
          return { kind: 'observation', text: request.argument, outcome: 'hit', state: {} };
        },
        ended: (item) => models.ended(item),
      },
      log,
      concurrency: itemsAtOnce,
      signal: new AbortController().signal,
      now: () => Date.now(),
      hash: (text) => createHash('sha256').update(text).digest('hex'),
    });
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    const report = await sim.report();
    return {
      ms,
      cpuMsPerCall: (user + system) / 1000 / plan.reduce((sum, { calls }) => sum + calls.length, 0),
      digest: digestOf(plan.map(({ id }) => outcomes.get(id))),
      failed: [...outcomes.values()].filter((o) => o.state === 'failed').length,
      report,
    };
  } finally {
    models.close();
    log.close();
    sim.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
