import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './sshd.ts';

const run = promisify(execFile);
const folders = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'];
const find = (name: string): string | undefined =>
  folders.map((folder) => join(folder, name)).find((path) => existsSync(path));

const daemons = ['munged', 'slurmctld', 'slurmd'] as const;
/** For `it(…, { skip })`: a reason, or false. */
export const withoutSlurm: string | false = [...daemons, 'sbatch', 'squeue', 'scancel', 'scontrol'].some(
  (name) => find(name) === undefined,
)
  ? 'Slurm is not installed (Debian: slurmctld slurmd slurm-client munge)'
  : process.getuid?.() !== 0
    ? "Slurm's daemons need root"
    : false;

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** A real Slurm of one node on this machine: munged, slurmctld and slurmd with keys, state and ports of their own. */
export class Slurm {
  /** What SLURM_CONF has to say for Slurm's programs to find it. */
  readonly conf: string;
  readonly #folder: string;
  readonly #running: ChildProcess[] = [];

  private constructor(folder: string, conf: string) {
    this.#folder = folder;
    this.conf = conf;
  }

  /** `cpus`: how many processors the node says it has; a job takes one. */
  static async start(folder: string, options: { readonly cpus?: number } = {}): Promise<Slurm> {
    mkdirSync(join(folder, 'state'), { recursive: true });
    mkdirSync(join(folder, 'spool'), { recursive: true });
    const socket = join(folder, 'munge.socket');
    writeFileSync(join(folder, 'munge.key'), randomBytes(128), { mode: 0o600 });
    const [control, node] = [await freePort(), await freePort()];
    const conf = join(folder, 'slurm.conf');
    const name = hostname().split('.')[0] ?? 'localhost';
    writeFileSync(
      conf,
      [
        'ClusterName=autoact',
        `SlurmctldHost=${name}(127.0.0.1)`,
        `SlurmctldPort=${control}`,
        `SlurmdPort=${node}`,
        'SlurmUser=root',
        'SlurmdUser=root',
        'AuthType=auth/munge',
        // The second also sets how long a job that was requeued has to wait.
        `AuthInfo=socket=${socket},cred_expire=5`,
        `StateSaveLocation=${join(folder, 'state')}`,
        `SlurmdSpoolDir=${join(folder, 'spool')}`,
        `SlurmctldPidFile=${join(folder, 'slurmctld.pid')}`,
        `SlurmdPidFile=${join(folder, 'slurmd.pid')}`,
        `SlurmctldLogFile=${join(folder, 'slurmctld.log')}`,
        `SlurmdLogFile=${join(folder, 'slurmd.log')}`,
        'ProctrackType=proctrack/linuxproc',
        'TaskPlugin=task/none',
        'SelectType=select/cons_tres',
        'SelectTypeParameters=CR_CPU',
        'MpiDefault=none',
        'ReturnToService=2',
        'KillWait=20',
        // After the 10 s that Slurm takes by itself, a machine that is held up for a while leaves a job that never ends.
        'MessageTimeout=90',
        'SchedulerParameters=sched_interval=2,batch_sched_delay=0,sched_min_interval=100000',
        `NodeName=${name} NodeAddr=127.0.0.1 CPUs=${options.cpus ?? cpus().length} RealMemory=1000 State=UNKNOWN`,
        'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
        'PartitionName=closed Nodes=ALL MaxTime=INFINITE State=DOWN',
        '',
      ].join('\n'),
    );
    const slurm = new Slurm(folder, conf);
    slurm.#spawn('munged', [
      ...['--foreground', '--force', '--socket', socket, '--key-file', join(folder, 'munge.key')],
      ...['--pid-file', join(folder, 'munge.pid'), '--log-file', join(folder, 'munge.log')],
      ...['--seed-file', join(folder, 'munge.seed')],
    ]);
    await slurm.#until('munged opens its socket', () => Promise.resolve(existsSync(socket)));
    await slurm.startControl();
    slurm.#spawn('slurmd', ['-D', '-f', conf, '-N', name, '-b']);
    await slurm.#until('the node is idle', async () => (await slurm.call('sinfo', '-h', '-o', '%T')).includes('idle'));
    return slurm;
  }

  /** Runs one of Slurm's programs. @throws with what it said */
  async call(program: string, ...args: string[]): Promise<string> {
    const { stdout } = await run(find(program) ?? program, args, { env: { ...process.env, SLURM_CONF: this.conf } });
    return stdout.trim();
  }

  async startControl(): Promise<void> {
    this.#spawn('slurmctld', ['-D', '-f', this.conf]);
    await this.#until('slurmctld answers', async () =>
      (await this.call('scontrol', 'ping').catch(() => '')).includes('UP'),
    );
  }

  /** As when the machine that holds the queue is restarted: jobs go on, nobody can ask for them. */
  async stopControl(): Promise<void> {
    await this.#end('slurmctld');
  }

  async stop(): Promise<void> {
    await this.call('scancel', '--full', '--user', 'root').catch(() => '');
    for (let i = 0; i < 100 && (await this.call('squeue', '-h').catch(() => '')) !== ''; i++) await sleep(100);
    for (const name of ['slurmd', 'slurmctld', 'munged']) await this.#end(name);
  }

  get log(): string {
    return ['slurmctld', 'slurmd'].map((name) => readFileSync(join(this.#folder, `${name}.log`), 'utf8')).join('\n');
  }

  #spawn(name: (typeof daemons)[number], args: readonly string[]): void {
    this.#running.push(
      spawn(find(name) ?? name, args, { stdio: 'ignore', env: { ...process.env, SLURM_CONF: this.conf } }),
    );
  }

  async #end(name: string): Promise<void> {
    const at = this.#running.findIndex((child) => child.spawnfile.endsWith(`/${name}`));
    const [child] = at < 0 ? [] : this.#running.splice(at, 1);
    if (child?.pid === undefined || hasEnded(child)) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }

  async #until(what: string, done: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 600; i++) {
      if (await done().catch(() => false)) return;
      const dead = this.#running.find(hasEnded);
      if (dead !== undefined) throw new Error(`${dead.spawnfile} ended before ${what}: see ${this.#folder}`);
      await sleep(100);
    }
    throw new Error(`A minute went by before ${what}: see ${this.#folder}`);
  }
}
