import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pLimit from 'p-limit';
import { JobError, SshError, unreachable } from '../boxErrors.ts';
import type { AppendOptions, BoxStat, ExecOptions, ExecResult, RemoteFiles } from '../boxFiles.ts';
import { Capture, FramedOutput } from './framedOutput.ts';
import type { Address } from './forward.ts';
import { loopback } from './forward.ts';
import { HostAlias } from './sshHost.ts';
import type { RemoteCommand } from './remoteCommand.ts';
import { remoteCommand } from './remoteCommand.ts';
import { endCommand, notStarted } from './sshExec.ts';

export interface SystemSshOptions {
  /** How the user calls the host. */
  readonly alias: string;
  readonly program?: string;
  readonly configFile?: string;
  /** Folder, private to the user, for the socket of a connection that all calls share; without it each connects anew. */
  readonly controlFolder?: string;
  readonly keepaliveSeconds?: number;
}

const outputLimit = 1 << 20;
const channels = 4;
const scripts = {
  stat: 'if [ -e "$1" ]; then wc -c <"$1" && ls -diL "$1"; fi',
  read: '[ -f "$1" ] || exit 44; tail -c "+$2" "$1" | head -c "$3"',
  rest: '[ -f "$1" ] || exit 44; tail -c "+$2" "$1"',
  // A cut connection looks to `cat` like the end of the content: without its size half a file would take the name.
  write:
    'cat >"$1" && n=$(wc -c <"$1") && [ $n -eq "$3" ] && { sync "$1" 2>/dev/null || :; } && mv -f "$1" "$2" || { rm -f "$1"; exit 45; }',
  // Onto a folder mv would move into it, where rename refuses.
  rename: '[ ! -d "$2" ] && mv -f "$1" "$2"',
  append: 'n=0; if [ "$2" -gt 0 ]; then n=$(wc -c <"$1"); else : >"$1"; fi; [ "$n" -eq "$2" ] || exit 46; cat >>"$1"',
} as const;
const missing = 44;
const otherSize = 46;

/**
 * A host reached by OpenSSH's own client, for what ssh2 cannot do: certificates, security keys, Kerberos, ProxyCommand.
 * It reads its own configuration and known_hosts, and asks nothing: logging in must work without a question
 * (`ssh HOST true`). Files go through POSIX tools of the host.
 */
export class SystemSshFiles implements RemoteFiles {
  readonly #options: SystemSshOptions;
  readonly #limit = pLimit(channels);
  /** The host has answered once: its name and port are right. */
  #met = false;
  readonly #running = new Set<ChildProcess>();
  #closed = false;

  constructor(options: SystemSshOptions) {
    if (!HostAlias.safeParse(options.alias).success)
      throw new SshError('config', options.alias, 'ssh configuration', 'this cannot be the name of a host.');
    this.#options = options;
  }

  get host(): string {
    return this.#options.alias;
  }

  join(...parts: string[]): string {
    return posix.join(...parts);
  }

  async home(signal?: AbortSignal): Promise<string> {
    return (await this.#script('printf %s "$HOME"', [], { signal })).stdout;
  }

  async stat(path: string, signal?: AbortSignal): Promise<BoxStat | undefined> {
    const { stdout } = await this.#script(scripts.stat, [path], { signal });
    const found = /^\s*(\d+)\s+(\d+)\s/.exec(stdout);
    return found === null ? undefined : { size: Number(found[1]), id: found[2] ?? '' };
  }

  async read(path: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    const arguments_ = [path, String(offset + 1), String(length)];
    const done = await this.#script(scripts.read, arguments_, { signal, sink: (bytes) => pieces.push(bytes) });
    this.#mustBeThere(path, done);
    return Buffer.concat(pieces);
  }

  async *stream(path: string, offset: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    // Piece by piece: a channel that is left open while the reader is slow would be a second thing to watch over.
    const piece = 4 << 20;
    for (let at = offset; ; at += piece) {
      const bytes = await this.read(path, at, piece, signal);
      if (bytes.length > 0) yield bytes;
      if (bytes.length < piece) return;
    }
  }

  async write(path: string, content: string | Uint8Array, signal?: AbortSignal): Promise<void> {
    const part = `${path}.${randomUUID()}.part`;
    const bytes = Buffer.from(content);
    const done = await this.#script(scripts.write, [part, path, String(bytes.length)], { signal, input: [bytes] });
    this.#mustBeWritten(path, done);
  }

  async append(
    path: string,
    offset: number,
    content: AsyncIterable<Uint8Array>,
    options: AppendOptions = {},
  ): Promise<void> {
    const { signal, onBytes } = options;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const bytes of content) {
        yield bytes;
        onBytes?.(bytes.length);
      }
    };
    const done = await this.#script(scripts.append, [path, String(offset)], { signal, input: counted() });
    if (done.code === otherSize)
      throw Object.assign(new Error(`EEXIST: ${path} on ${this.host} does not have ${offset} bytes`), {
        code: 'EEXIST',
      });
    this.#mustBeWritten(path, done);
  }

  async makeFolder(path: string, signal?: AbortSignal): Promise<void> {
    this.#mustBeWritten(path, await this.#run(['mkdir', '-p', path], { signal }));
  }

  async rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    this.#mustBeWritten(to, await this.#script(scripts.rename, [from, to], { signal }));
  }

  async remove(path: string, signal?: AbortSignal): Promise<void> {
    this.#mustBeWritten(path, await this.#run(['rm', '-f', path], { signal }));
  }

  exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return this.#run(command, { signal: options.signal, timeoutMs: options.timeoutMs });
  }

  /** A stream to a port of the host's loopback. That nobody answers there shows only in its end. */
  async connect({ host = loopback, port }: Address, signal?: AbortSignal): Promise<Duplex> {
    // ssh says nothing when its stream is there: that the host answers has to be seen before. It makes the shared
    // connection, where there is one, and throws what has to be told apart.
    await this.exec(['true'], signal === undefined ? {} : { signal });
    const child = spawn(
      this.#options.program ?? 'ssh',
      [...this.#arguments(), '-T', '-W', `${host}:${port}`, '--', this.host],
      { stdio: ['pipe', 'pipe', 'ignore'], windowsHide: true, ...(signal === undefined ? {} : { signal }) },
    );
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
    stream.on('close', () => child.kill());
    child.on('error', (error) => stream.destroy(error)).on('close', () => stream.destroy());
    return stream;
  }

  /**
   * Ends the shared connection, and what still runs over it: a call that somebody has given up would otherwise make it
   * anew, and OpenSSH holds it, and with it this process, for two minutes more.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const child of this.#running) child.kill();
    if (this.#options.controlFolder === undefined) return;
    const child = spawn(this.#options.program ?? 'ssh', [...this.#arguments(), '-O', 'exit', '--', this.host], {
      stdio: 'ignore',
    });
    await new Promise<void>((resolve) => {
      child.once('close', () => resolve()).once('error', () => resolve());
    });
  }

  #script(script: string, args: readonly string[], options: RunOptions): Promise<ExecResult> {
    return this.#run(['/bin/sh', '-c', script, 'sh', ...args], options);
  }

  #run(command: readonly string[], options: RunOptions): Promise<ExecResult> {
    return this.#limit(() => this.#start(command, options));
  }

  #start(command: readonly string[], options: RunOptions): Promise<ExecResult> {
    options.signal?.throwIfAborted();
    if (this.#closed) return Promise.reject(unreachable(this.host, 'connection', 'it was closed.'));
    const remote = remoteCommand(command, { input: options.input !== undefined, reserve255: true });
    const child = spawn(this.#options.program ?? 'ssh', [...this.#arguments(), '-T', '--', this.host, remote.line], {
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
      // Its messages are told apart below.
      env: { ...process.env, LC_ALL: 'C' },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    this.#running.add(child);
    child.once('close', () => this.#running.delete(child));
    return this.#follow(child, command, remote, options);
  }

  #follow(
    child: ChildProcess,
    command: readonly string[],
    remote: RemoteCommand,
    options: RunOptions,
  ): Promise<ExecResult> {
    const [stdout, stderr] = [new Capture(outputLimit), new Capture(outputLimit)];
    const out = new FramedOutput(remote.marker, options.sink ?? ((bytes) => stdout.push(bytes)));
    const err = new FramedOutput(remote.marker, (bytes) => stderr.push(bytes));
    // The client's end ends nothing on the host.
    const end = (): void => {
      if (out.pid !== undefined) this.#start(endCommand(out.pid), {}).catch(() => undefined);
    };
    return new Promise((resolve, reject) => {
      const limit =
        options.timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              child.kill('SIGKILL');
              end();
              // The shared connection holds the outputs until the remote program ends: waiting for them would take as long.
              child.stdout?.destroy();
              child.stderr?.destroy();
              if (out.begun) resolve({ code: null, stdout: stdout.text, stderr: stderr.text });
              else reject(unreachable(this.host, 'connection', 'no answer in time.'));
            }, options.timeoutMs);
      child.stdout?.on('data', (bytes: Buffer) => out.push(bytes));
      child.stderr?.on('data', (bytes: Buffer) => err.push(bytes));
      if (child.stdin !== null) {
        // A host that is gone, or a program that ended early, shows in how the child ends.
        if (options.input === undefined) child.stdin.end();
        else pipeline(options.input as Iterable<Uint8Array>, child.stdin).catch(() => child.stdin?.destroy());
        child.stdin.on('error', () => undefined);
      }
      child.on('error', (error) => {
        clearTimeout(limit);
        if (error.name === 'AbortError') end();
        reject(
          error.name === 'AbortError'
            ? error
            : new SshError(
                'unsupported',
                this.host,
                'OpenSSH',
                `its client cannot be run (${error.message}). Install it.`,
                {
                  cause: error,
                },
              ),
        );
      });
      child.on('close', (code) => {
        clearTimeout(limit);
        this.#met ||= out.begun;
        if (code === 255 || code === null) reject(this.#lost(err.begun ? stderr.text : err.banner));
        else if (out.begun) resolve({ code, stdout: stdout.text, stderr: stderr.text });
        else reject(notStarted(this.host, command, remote, err.banner, out.banner));
      });
    });
  }

  /** ssh tells all of its own failures by one code, so its words have to decide what a person must mend. */
  #lost(said: string): Error {
    const words = said.trim().split('\n').at(-1) ?? '';
    const problem = `ssh says "${words}".`;
    if (/Host key verification failed|HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY/.test(said))
      return new SshError(
        /HAS CHANGED/.test(said) ? 'changed-host-key' : /REVOKED/.test(said) ? 'revoked-host-key' : 'unknown-host-key',
        this.host,
        'host key check',
        `${problem} Connect once with "ssh ${this.host}", and accept the key only after its fingerprint was compared.`,
      );
    if (/Permission denied|Too many authentication failures/.test(said)) {
      const open = /^Load key "(.+)": bad permissions/m.exec(said)?.[1];
      const remedy =
        open === undefined
          ? `"ssh ${this.host} true" must work without a question: load the key or the certificate, or get a ticket.`
          : `Other users of this machine may read ${open}, so it is not used: run chmod 600 "${open}".`;
      return new SshError('authentication', this.host, 'authentication', `${problem} ${remedy}`);
    }
    const lasting = /Could not resolve hostname|Connection refused|Connection timed out/.test(said);
    return unreachable(
      this.host,
      'connection',
      `${problem} Check that the host is up, its name and port, and your network or VPN.`,
      undefined,
      { lasting: lasting && !this.#met && !/Temporary failure/.test(said) },
    );
  }

  #mustBeThere(path: string, { code, stderr }: ExecResult): void {
    if (code === 0) return;
    const text = code === missing ? 'is not there' : `cannot be read: ${stderr.trim().slice(-200)}`;
    throw Object.assign(new Error(`${path} on ${this.host} ${text}`), { code: code === missing ? 'ENOENT' : 'EIO' });
  }

  #mustBeWritten(path: string, { code, stderr }: ExecResult): void {
    if (code !== 0)
      throw new JobError(
        'disk',
        `${path} on ${this.host} cannot be written: ${stderr.trim().slice(-300) || 'unknown'}. Check the box's folder and its free space.`,
      );
  }

  #arguments(): string[] {
    const { configFile, controlFolder, keepaliveSeconds = 15 } = this.#options;
    const path = controlFolder === undefined ? undefined : controlPath(controlFolder, this.host, configFile);
    const control =
      path === undefined ? [] : ['-o', 'ControlMaster=auto', '-o', `ControlPath=${path}`, '-o', 'ControlPersist=120'];
    return [
      ...(configFile === undefined ? [] : ['-F', configFile]),
      ...['-o', 'BatchMode=yes', '-o', `ServerAliveInterval=${keepaliveSeconds}`, '-o', 'ServerAliveCountMax=3'],
      ...['-o', 'ClearAllForwardings=yes', ...control],
    ];
  }
}

/** A socket's path may have about 100 characters, of which ssh adds 17. Windows' client has no shared connections. */
function controlPath(folder: string, host: string, configFile: string | undefined): string | undefined {
  const name = createHash('sha256')
    .update(`${host}\n${configFile ?? ''}`)
    .digest('hex')
    .slice(0, 16);
  const path = posix.join(folder, `autoact-${name}`).replaceAll('%', '%%');
  return process.platform === 'win32' || path.length > 85 ? undefined : path;
}

interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly input?: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | Readable;
  /** Gets the output instead of the result. */
  readonly sink?: (bytes: Buffer) => void;
}
