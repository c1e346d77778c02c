import * as vscode from 'vscode';
import { RunnerProcess, type RunnerExit } from '../../node/runnerProcess.ts';
import type { WireError } from '../../protocol/surface.ts';
import { describeError, UserError } from '../notify.ts';
import type { Services } from '../services.ts';

export interface CommandLineEnd {
  readonly exit: RunnerExit;
  /** What it printed, less its events. */
  readonly lines: readonly string[];
  readonly error: WireError | undefined;
}

export interface CommandLineOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the notification says while it runs. */
  readonly title: string;
}

/** Runs one command of the command line to its end, with a notification that can cancel it. @throws UserError */
export async function runCommandLine(
  services: Services,
  args: readonly string[],
  options: CommandLineOptions,
): Promise<CommandLineEnd> {
  const lines: string[] = [];
  let error: WireError | undefined;
  const exit = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: options.title, cancellable: true },
    async (_progress, token) => {
      const process = new RunnerProcess({
        cli: services.layout.cli,
        args,
        cwd: options.cwd,
        env: { NO_COLOR: '1', ...options.env },
        onEvent: (event) => {
          if (event.type === 'error') error = event;
        },
        onLine: (line, stream) => {
          if (stream === 'stdout') lines.push(line);
          else services.log.debug(line);
        },
      });
      token.onCancellationRequested(() => {
        process.cancel();
      });
      try {
        return await process.done;
      } catch (failure) {
        throw new UserError(describeError(failure).message);
      }
    },
  );
  return { exit, lines, error };
}
