import type { ClientChannel } from 'ssh2';
import { JobError, SshError, unreachable } from '../boxErrors.ts';
import type { ExecOptions, ExecResult } from '../boxFiles.ts';
import type { LiveConnection } from './connection.ts';
import { Capture, FramedOutput } from './framedOutput.ts';
import type { RemoteCommand } from './remoteCommand.ts';
import { remoteCommand } from './remoteCommand.ts';

const outputLimit = 1 << 20;
const opening = 'opening a channel';
/** How long a host may take to close a channel before it counts as gone. */
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
    let closing: NodeJS.Timeout | undefined;
    const stop = (): void => {
      // Not every server passes signals on; a program that writes to a closed channel ends by itself.
      channel.signal('KILL');
      channel.close();
      closing = setTimeout(() => live.drop('the host does not answer'), closingMs).unref();
    };
    const limit =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            stop();
          }, options.timeoutMs);
    const done = (): void => {
      clearTimeout(limit);
      clearTimeout(closing);
      options.signal?.removeEventListener('abort', stop);
      live.lost.removeEventListener('abort', done);
    };
    options.signal?.addEventListener('abort', stop, { once: true });
    live.lost.addEventListener('abort', done, { once: true });
    channel.on('data', (bytes: Buffer) => out.push(bytes));
    channel.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    channel.on('exit', (status: number | null) => (code = status));
    channel.on('error', () => undefined);
    const finish = (): void => {
      if (timedOut) resolve({ code: null, stdout: stdout.text, stderr: stderr.text });
      else if (code === undefined) reject(unreachable(host, command[0] ?? '', 'the connection was cut while it ran.'));
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
    if (options.signal?.aborted === true) stop();
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
  if (stderr.includes(remote.missing.trim()))
    return new JobError('cannot-start', `${program} cannot be run on ${host}: there is no such program.`);
  const said = [stdout, stderr]
    .filter((text) => text !== '')
    .join(' | ')
    .slice(-400);
  return new JobError(
    'cannot-start',
    `${program} cannot be run on ${host}: the login shell there ran something else${said === '' ? '' : ` and said "${said}"`}. Check that "ssh ${host} true" works.`,
  );
}
