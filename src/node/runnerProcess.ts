import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Ask, AskAnswer } from '../core/box/boxStatus.ts';
import { askVariable } from '../core/box/boxStatus.ts';
import { CliEvent } from '../core/run/status.ts';

/**
 * The runner is the command line in a process of its own: three hundred questions at once never slow the editor down,
 * and a crash of it costs the editor nothing. This starts it, reads its events and ends it.
 */

export interface RunnerProcessOptions {
  /** Path of `cli.js`. */
  readonly cli: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Added to the environment; secrets travel here, never in arguments, which other users of a machine can read. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program that runs `cli.js`: the editor's own executable as plain Node, or `node`. */
  readonly execPath?: string;
  readonly onEvent: (event: CliEvent) => void;
  /** Answers what the process asks (passwords, host keys, language models); without it nothing is asked. */
  readonly onAsk?: (ask: Ask, withdrawn: AbortSignal) => Promise<AskAnswer>;
  /** A line that is no event: stderr, or output of a library. */
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Time between asking to cancel and killing, in milliseconds. */
  readonly graceMs?: number;
}

export interface RunnerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It did not end within the grace time after it was cancelled. */
  readonly killed: boolean;
  /** The last lines of stderr, for a message when there was no `error` event. */
  readonly tail: readonly string[];
}

export type RunnerErrorReason = 'spawn' | 'exit';

/** The runner could not be started, or ended without saying why. */
export class RunnerError extends Error {
  override readonly name = 'RunnerError';
  readonly reason: RunnerErrorReason;

  constructor(reason: RunnerErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }

  static is(error: unknown, reason?: RunnerErrorReason): error is RunnerError {
    return error instanceof RunnerError && (reason === undefined || error.reason === reason);
  }
}

const tailLength = 20;

export class RunnerProcess {
  /** Resolves when the process has ended and all its output was read. Rejects with RunnerError `spawn`. */
  readonly done: Promise<RunnerExit>;
  private readonly child: ChildProcess;
  private readonly graceMs: number;
  private killTimer: NodeJS.Timeout | undefined;
  private killed = false;
  /** Questions of the process that it still waits for. */
  private readonly asked = new Map<number, AbortController>();

  constructor(options: RunnerProcessOptions) {
    this.graceMs = options.graceMs ?? 10_000;
    const tail: string[] = [];
    // ELECTRON_RUN_AS_NODE turns the desktop editor's executable into plain Node; real Node ignores it.
    this.child = spawn(options.execPath ?? process.execPath, [options.cli, ...options.args], {
      cwd: options.cwd,
      env: {
        ...withoutEditorVariables(process.env),
        ...options.env,
        ELECTRON_RUN_AS_NODE: '1',
        ...(options.onAsk === undefined ? {} : { [askVariable]: 'stdio' }),
      },
      stdio: [options.onAsk === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      shell: false,
      windowsHide: true,
    });
    if (this.child.stdout !== null) {
      createInterface({ input: this.child.stdout, crlfDelay: Infinity }).on('line', (line) => {
        const event = parseEvent(line);
        if (event === undefined) options.onLine(line, 'stdout');
        else if (event.type === 'ask') void this.answer(event.id, event.ask, options.onAsk);
        else if (event.type === 'withdrawn') this.asked.get(event.id)?.abort();
        else options.onEvent(event);
      });
    }
    // It may end with a question open.
    this.child.stdin?.on('error', () => undefined);
    if (this.child.stderr !== null) {
      createInterface({ input: this.child.stderr, crlfDelay: Infinity }).on('line', (line) => {
        tail.push(line);
        if (tail.length > tailLength) tail.shift();
        options.onLine(line, 'stderr');
      });
    }
    this.done = new Promise<RunnerExit>((resolve, reject) => {
      this.child.once('error', (error) => {
        clearTimeout(this.killTimer);
        reject(
          new RunnerError(
            'spawn',
            `The runner could not be started (${error.message}). Is the extension complete? Reinstall it, or run "npm run build".`,
            { cause: error },
          ),
        );
      });
      this.child.once('close', (code, signal) => {
        clearTimeout(this.killTimer);
        for (const question of this.asked.values()) question.abort();
        resolve({ code, signal, killed: this.killed, tail });
      });
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  private async answer(id: number, ask: Ask, onAsk: RunnerProcessOptions['onAsk']): Promise<void> {
    // A dialog that fails is one that was not answered: the process goes on with the next way to log in.
    const withdrawn = new AbortController();
    this.asked.set(id, withdrawn);
    const answer = await onAsk?.(ask, withdrawn.signal).catch(() => undefined);
    this.asked.delete(id);
    if (this.child.stdin?.writable === true) this.child.stdin.write(`${JSON.stringify({ id, answer })}\n`);
  }

  /** Asks the runner to finish cleanly; kills it when it has not ended after the grace time. */
  cancel(): void {
    if (this.killTimer !== undefined || this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    this.killTimer = setTimeout(() => {
      this.killed = true;
      this.child.kill('SIGKILL');
    }, this.graceMs);
  }
}

/** Variables of the editor's own process that would change how a Node child behaves. */
function withoutEditorVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('VSCODE_')),
  );
}

/** Reads a line of `--json` output; anything else (a library that prints) is no event. */
export function parseEvent(line: string): CliEvent | undefined {
  if (!line.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = CliEvent.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
