import { randomUUID } from 'node:crypto';
import { loginShellCommand, shellQuote } from './quote.ts';

export interface RemoteCommand {
  /** What the login shell is given. */
  readonly line: string;
  /** Printed on both outputs, with the process's number behind it on the line, just before the program's own begins. */
  readonly marker: string;
  /** On standard error instead of the marker: there is no such program. */
  readonly missing: string;
}

export interface RemoteCommandOptions {
  /** Standard input is sent to the program; otherwise it has none. */
  readonly input?: boolean;
  /**
   * Keep exit code 255 free (the program's own becomes 254): OpenSSH's client ends with it when the connection is lost,
   * and nothing else tells the two apart.
   */
  readonly reserve255?: boolean;
}

export function remoteCommand(command: readonly string[], options: RemoteCommandOptions = {}): RemoteCommand {
  const [program, ...args] = command;
  if (program === undefined) throw new RangeError('a command needs a program');
  const id = randomUUID();
  const marker = `autoact-begin-${id}`;
  const missing = `autoact-missing-${id}`;
  const quoted = [program, ...args].map(shellQuote).join(' ');
  const input = options.input === true ? '' : ' </dev/null';
  const script = [
    `command -v ${shellQuote(program)} >/dev/null 2>&1 || { printf '%s\\n' ${missing} >&2; exit 127; }`,
    `printf '%s %s\\n' ${marker} $$`,
    `printf '%s %s\\n' ${marker} $$ >&2`,
    options.reserve255 === true
      ? `${quoted}${input}; code=$?; [ $code -eq 255 ] && code=254; exit $code`
      : `exec ${quoted}${input}`,
  ].join('\n');
  return { line: loginShellCommand(script), marker, missing };
}
