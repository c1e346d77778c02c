import type { ClientChannel } from 'ssh2';
import { JobError, SshError, unreachable } from '../boxErrors.ts';
import type { ExecOptions, ExecResult } from '../boxFiles.ts';
import type { LiveConnection } from './connection.ts';
import { Capture, FramedOutput } from './framedOutput.ts';
import type { RemoteCommand } from './remoteCommand.ts';
import { remoteCommand } from './remoteCommand.ts';

const outputLimit = 1 << 20;
const opening = 'opening a channel';
/** How long a host may take to end a program before it counts as gone. */
const closingMs = 10_000;

/** Runs a program on the host until it ends; `live.lost` ends the waiting from outside. */
export function execOverSsh(
  host: string,
  live: LiveConnection,
  command: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const remote = remoteCommand(command);
  return new Promise((resolve, reject) => {
    live.client.exec(remote.line, (error, channel) => {
      // Listened to at once: a quick program's end may stand in the same packet as the channel's beginning.
      if (error === undefined) follow(host, live, channel, command, remote, options).then(resolve, reject);
      else reject(live.lost.aborted ? unreachable(host, opening, `${error.message}.`, error) : refused(host, error));
    });
  });
}

function refused(host: string, error: Error): SshError {
  return new SshError(
    'protocol',
    host,
    opening,
    `the host refused (${error.message}). Allow commands and several sessions (ForceCommand, MaxSessions) in its sshd_config.`,
    { cause: error },
  );
}

function follow(
  host: string,
  live: LiveConnection,
  channel: ClientChannel,
  command: readonly string[],
  remote: RemoteCommand,
  options: ExecOptions,
): Promise<ExecResult> {
  const [stdout, stderr] = [new Capture(outputLimit), new Capture(outputLimit)];
  const out = new FramedOutput(remote.marker, (bytes) => stdout.push(bytes));
  const err = new FramedOutput(remote.marker, (bytes) => stderr.push(bytes));
  return new Promise((resolve, reject) => {
    let code: number | null | undefined;
    let timedOut = false;
    const stop = (): Promise<boolean> => {
      // Closing a channel ends no program, and a server need not pass signals on.
      if (out.pid === undefined) channel.signal('KILL');
      channel.close();
      return endProgram(live, out.pid);
    };
    const limit =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            void stop().then((answered) => {
              done();
              if (answered) resolve({ code: null, stdout: stdout.text, stderr: stderr.text });
              else live.drop('the host does not answer');
            });
          }, options.timeoutMs);
    const giveUp = (): void => {
      void stop();
    };
    const done = (): void => {
      clearTimeout(limit);
      options.signal?.removeEventListener('abort', giveUp);
      live.lost.removeEventListener('abort', done);
    };
    options.signal?.addEventListener('abort', giveUp, { once: true });
    live.lost.addEventListener('abort', done, { once: true });
    channel.on('data', (bytes: Buffer) => out.push(bytes));
    channel.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    channel.on('exit', (status: number | null) => (code = status));
    channel.on('error', () => undefined);
    const finish = (): void => {
      if (timedOut) return;
      if (code === undefined) reject(unreachable(host, command[0] ?? '', 'the connection was cut while it ran.'));
      else if (out.begun) resolve({ code, stdout: stdout.text, stderr: stderr.text });
      else reject(notStarted(host, command, remote, err.banner, out.banner));
    };
    channel.on('close', () => {
      done();
      // ssh2 waits for the end of standard output only.
      if (channel.stderr.readableEnded) finish();
      else channel.stderr.once('end', finish);
    });
    channel.end();
    // Given up while the channel was being opened.
    if (options.signal?.aborted === true) giveUp();
  });
}

/** Kills a program with all of its process group. */
export function endCommand(pid: number): readonly string[] {
  return ['/bin/sh', '-c', 'kill -KILL "-$1" 2>/dev/null || kill -KILL "$1" 2>/dev/null', 'sh', String(pid)];
}

/** Resolves with whether the host has answered at all. */
function endProgram(live: LiveConnection, pid: number | undefined): Promise<boolean> {
  const { line } = remoteCommand(pid === undefined ? ['true'] : endCommand(pid));
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), closingMs).unref();
    const end = (): void => {
      clearTimeout(late);
      resolve(true);
    };
    live.client.exec(line, (error, channel) => {
      // A refusal is an answer too.
      if (error === undefined)
        channel
          .on('error', () => undefined)
          .on('close', end)
          .resume()
          .end();
      else end();
    });
  });
}

/** Why a program was not reached, told by what the login shell printed instead. */
export function notStarted(
  host: string,
  command: readonly string[],
  remote: RemoteCommand,
  stderr: string,
  stdout: string,
): JobError {
  const program = command[0] ?? '';
  if (stderr.includes(remote.missing))
    return new JobError(
      'cannot-start',
      `${program} cannot be run on ${host}: there is no such program. Install it there${/python/.test(program) ? ', or name the interpreter with: autoact box add … --python PATH' : ''}.`,
    );
  const said = [stdout, stderr]
    .filter((text) => text !== '')
    .join(' | ')
    .slice(-400);
  return new JobError(
    'cannot-start',
    `${program} cannot be run on ${host}: the login shell there ran something else${said === '' ? '' : ` and said "${said}"`}. Check that "ssh ${host} true" works.`,
  );
}
