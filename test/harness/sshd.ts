import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Absolute, as sshd insists on. */
export const sshdProgram = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd', '/opt/homebrew/sbin/sshd'].find(
  (path) => existsSync(path),
);
/** For `it(…, { skip })`: a reason, or false. */
export const withoutSshd: string | false =
  sshdProgram === undefined
    ? 'sshd is not installed'
    : spawnSync('ssh', ['-V']).error !== undefined
      ? "OpenSSH's client is not installed"
      : false;

export const user = userInfo().username;
const isRoot = process.getuid?.() === 0;

/** A folder for keys, known_hosts and what servers write; gone at the end. */
export function sshFolder(): string {
  return mkdtempSync(join(tmpdir(), 'autoact-ssh-'));
}

export interface KeyOptions {
  readonly type?: 'ed25519' | 'rsa' | 'ecdsa';
  readonly passphrase?: string;
  /** The old PEM format, which keeps nothing in the clear. */
  readonly pem?: boolean;
}

/** Makes a key pair at `path` and `path.pub`, and returns `path`. */
export function makeKey(path: string, options: KeyOptions = {}): string {
  const { type = 'ed25519', passphrase = '', pem = false } = options;
  const size = type === 'rsa' ? ['-b', '2048'] : [];
  // Few rounds: what is tested is that the passphrase is asked for, not what it costs to guess it.
  execFileSync('ssh-keygen', [
    ...['-q', '-t', type, ...size, '-N', passphrase, '-C', 'test', '-f', path],
    ...(pem ? ['-m', 'PEM'] : ['-a', '1']),
  ]);
  return path;
}

export interface SshdOptions {
  readonly folder: string;
  /** Public key files that may log in. */
  readonly keys: readonly string[];
  readonly hostKey?: string;
  readonly port?: number;
  /** Further lines of sshd_config; sshd takes the first of a keyword. */
  readonly config?: readonly string[];
}

/** A real sshd on loopback with its own host key, as whoever runs the tests. */
export class Sshd {
  readonly port: number;
  readonly hostKey: string;
  readonly folder: string;
  #process: ChildProcess | undefined;
  readonly #config: string;

  private constructor(folder: string, port: number, hostKey: string, config: string) {
    this.folder = folder;
    this.port = port;
    this.hostKey = hostKey;
    this.#config = config;
  }

  static async start(options: SshdOptions): Promise<Sshd> {
    const { folder } = options;
    mkdirSync(folder, { recursive: true });
    const port = options.port ?? (await freePort());
    const hostKey = options.hostKey ?? join(folder, 'host_key');
    if (!existsSync(hostKey)) makeKey(hostKey);
    const authorized = join(folder, 'authorized_keys');
    writeFileSync(authorized, options.keys.map((key) => readFileSync(`${key}.pub`, 'utf8')).join(''), { mode: 0o600 });
    const config = join(folder, 'sshd_config');
    writeFileSync(
      config,
      [
        ...(options.config ?? []),
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${hostKey}`,
        `AuthorizedKeysFile ${authorized}`,
        `PidFile ${join(folder, 'sshd.pid')}`,
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin yes',
        'MaxStartups 100',
        'Subsystem sftp internal-sftp',
        '',
      ].join('\n'),
    );
    if (isRoot) mkdirSync('/run/sshd', { recursive: true });
    const server = new Sshd(folder, port, hostKey, config);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    if (sshdProgram === undefined) throw new Error('sshd is not installed');
    const child = spawn(sshdProgram, ['-D', '-e', '-f', this.#config], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      // The last words of a session that is killed may come when the test has cleaned up.
      if (existsSync(this.folder)) writeFileSync(join(this.folder, 'log'), text, { flag: 'a' });
    });
    for (let i = 0; i < 500; i++) {
      if (child.exitCode !== null) throw new Error(`sshd ended: ${said}`);
      if (await accepts(this.port)) return;
      await sleep(20);
    }
    throw new Error(`sshd does not listen: ${said}`);
  }

  get log(): string {
    const path = join(this.folder, 'log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Ends the server, and with `sessions` the connections that it has, as a restart of the machine does. */
  async stop(sessions = true): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (sessions) for (const pid of childrenOf(child.pid)) signal(pid);
    child.kill('SIGKILL');
    await ended;
    this.#process = undefined;
  }

  /** A line for known_hosts. */
  knownHost(name = `[127.0.0.1]:${this.port}`): string {
    const [type, key] = readFileSync(`${this.hostKey}.pub`, 'utf8').split(' ');
    return `${name} ${type ?? ''} ${key ?? ''}\n`;
  }
}

/** An ssh-agent of its own, with the keys given. */
export class Agent {
  readonly socket: string;
  readonly #process: ChildProcess;

  private constructor(socket: string, process: ChildProcess) {
    this.socket = socket;
    this.#process = process;
  }

  static async start(folder: string, keys: readonly string[]): Promise<Agent> {
    const socket = join(folder, 'agent.sock');
    const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    for (let i = 0; i < 250 && !existsSync(socket); i++) await sleep(20);
    for (const key of keys)
      execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
    return new Agent(socket, child);
  }

  stop(): void {
    this.#process.kill();
  }
}

/** A line between client and server that can be cut, frozen and slowed down. */
export class Line {
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #frozen = false;
  #refusing = false;
  /** Bytes in both directions so far. */
  bytes = 0;
  /** Called for every piece of data, before it is passed on. */
  onData: (bytes: number) => void = () => undefined;

  private constructor(server: ReturnType<typeof createServer>, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async to(target: number): Promise<Line> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const line = new Line(server, (server.address() as AddressInfo).port);
    server.on('connection', (client) => line.#join(client, target));
    return line;
  }

  #join(client: Socket, target: number): void {
    if (this.#refusing) {
      client.destroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('data', (bytes) => {
        this.bytes += bytes.length;
        this.onData(bytes.length);
        if (!to.destroyed && !to.write(bytes)) from.pause();
      });
      to.on('drain', () => {
        if (!this.#frozen) from.resume();
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
    }
    if (this.#frozen) for (const socket of pair) socket.pause();
  }

  /** Both ends see the connection reset. */
  cut(): void {
    for (const [client, upstream] of this.#pairs) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  /** Nothing gets through, and neither end is told: a pulled cable. */
  freeze(): void {
    this.#frozen = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  thaw(): void {
    this.#frozen = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** New connections end at once. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    // The banner, and not only the connection: sshd is then past reading its configuration.
    socket.once('data', () => end(true)).once('error', () => end(false));
  });
}

/** The sshds that serve connections, but not what moved to a session of its own: a training job outlives its sshd. */
function childrenOf(pid: number): number[] {
  const table = processes();
  const found = [pid];
  for (const parent of found)
    for (const [child, { parent: its, command }] of table)
      if (its === parent && command.includes('sshd')) found.push(child);
  return found.slice(1);
}

/** From /proc where there is one: a bare Debian has no ps. */
export function processes(): ReadonlyMap<number, { readonly parent: number; readonly command: string }> {
  const table = new Map<number, { parent: number; command: string }>();
  if (existsSync('/proc/self/stat')) {
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        table.set(Number(name), { parent: Number(fields[1]), command });
      } catch {
        // It has just ended.
      }
    }
    return table;
  }
  for (const line of execFileSync('ps', ['-axo', 'pid=,ppid=,command='], { encoding: 'utf8' }).split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    if (match !== null) table.set(Number(match[1]), { parent: Number(match[2]), command: match[3] ?? '' });
  }
  return table;
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It had ended.
  }
}
