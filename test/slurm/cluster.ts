import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobEvent } from '../../src/core/box/jobEvents.ts';
import type { JobEnd, JobState } from '../../src/node/box/followJob.ts';
import { followJob } from '../../src/node/box/followJob.ts';
import { startJob } from '../../src/node/box/job.ts';
import type { Job } from '../../src/node/box/jobFolder.ts';
import { slurmLauncher } from '../../src/node/box/slurm/slurmLauncher.ts';
import { SlurmSettings } from '../../src/node/box/slurm/slurmSettings.ts';
import { Slurm } from '../harness/slurm.ts';
import { Line, makeKey, removeFolder, sshFolder, Sshd } from '../harness/sshd.ts';
import type { Client } from '../ssh/support.ts';
import { client, writeConfig } from '../ssh/support.ts';

export const boxFolder = join(import.meta.dirname, '..', '..', 'box');

/** Stands in for the trainer where its training is not the question: what it does is the job's `program`. */
const standIn = `
import json, os, signal, sys, time
os.chdir(sys.argv[1])
exec(json.load(open('spec.json'))['program'])
`;
/** A program of a job that goes on until it is told to stop. */
export const wait = 'signal.signal(signal.SIGTERM, lambda *_: sys.exit(75)); time.sleep(120)';

export interface Followed {
  readonly end: JobEnd;
  readonly events: readonly JobEvent[];
  readonly states: readonly JobState[];
}

/** A real Slurm of one node and one processor behind a login node, which is a real sshd, and a client of it. */
export class Cluster {
  readonly folder: string;
  readonly slurm: Slurm;
  /** The way to the login node, which can be cut. */
  readonly line: Line;
  readonly client: Client;
  readonly #server: Sshd;
  readonly #standInBox: string;
  #jobs = 0;

  private constructor(folder: string, slurm: Slurm, server: Sshd, line: Line) {
    this.folder = folder;
    this.slurm = slurm;
    this.#server = server;
    this.line = line;
    this.client = client({ config: join(folder, 'config'), alias: 'login', folder, keepaliveMs: 1000 });
    this.#standInBox = join(folder, 'box');
    mkdirSync(this.#standInBox);
    for (const name of ['supervisor.py', 'processes.py', 'foreground.sh'])
      copyFileSync(join(boxFolder, name), join(this.#standInBox, name));
    writeFileSync(join(this.#standInBox, 'train.py'), standIn);
  }

  static async start(): Promise<Cluster> {
    const folder = sshFolder();
    const slurm = await Slurm.start(join(folder, 'slurm'), { cpus: 1 });
    const key = makeKey(join(folder, 'key'));
    const environment = 'AUTOACT_HEARTBEAT_SECONDS=0.5 AUTOACT_GRACE_SECONDS=5 AUTOACT_WORKERS=1024';
    const server = await Sshd.start({
      folder: join(folder, 'server'),
      keys: [key],
      config: [`SetEnv SLURM_CONF=${slurm.conf} ${environment}`],
    });
    const line = await Line.to(server.port);
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('login'));
    writeConfig(folder, [{ alias: 'login', port: line.port, lines: [`IdentityFile ${key}`, 'HostKeyAlias login'] }]);
    return new Cluster(folder, slurm, server, line);
  }

  async stop(): Promise<void> {
    await this.slurm.stop();
    this.client.connection.close();
    this.line.close();
    await this.#server.stop();
    removeFolder(this.folder);
  }

  /** A job that the stand-in will run. */
  job(settings: Partial<SlurmSettings> = {}): Job {
    const launcher = slurmLauncher({
      host: 'login',
      settings: SlurmSettings.parse({ time: '00:10:00', ...settings }),
      lookMs: 300,
      settleMs: 5000,
    });
    const { files } = this.client;
    const folder = join(this.folder, `job-${++this.#jobs}`);
    return { files, python: 'python3', box: this.#standInBox, folder, launcher };
  }

  /** @param program Python, for the stand-in */
  begin(job: Job, program: string): Promise<void> {
    return startJob(job, { base: '/models/tiny', adapters: { plan: { data: 'data/plan.jsonl' } }, program }, {});
  }

  queued(): Promise<string> {
    return this.slurm.call('squeue', '-h', '-o', '%i %T');
  }
}

export async function follow(
  job: Job,
  options: { readonly onState?: (state: JobState) => void; readonly heartbeatMs?: number } = {},
): Promise<Followed> {
  const events: JobEvent[] = [];
  const states: JobState[] = [];
  const end = await followJob(job, {
    onEvent: (event) => {
      events.push(event);
    },
    onState: (state) => {
      states.push(state);
      options.onState?.(state);
    },
    pollMs: 100,
    heartbeatMs: options.heartbeatMs ?? 1500,
    signal: AbortSignal.timeout(240_000),
  }).catch((error: unknown) => {
    throw new Error(`the job was followed through ${JSON.stringify(states.slice(-20))}`, { cause: error });
  });
  return { end, events, states };
}
