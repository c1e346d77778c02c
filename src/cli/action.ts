import { describeError } from '../core/pipeline/stages/stage.ts';
import { visible } from '../core/trajectory/visible.ts';
import { exitCodeOf, exitCodes, reasonOf } from './exitCodes.ts';

export interface CommonOptions {
  readonly json?: boolean;
}

/** The command line itself is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly reason = 'usage';
}

/**
 * Runs a command's work with one way of ending: cancel on SIGINT and SIGTERM, one clear message on errors, an exit code
 * that means something.
 */
export async function act(
  options: CommonOptions,
  work: (signal: AbortSignal) => Promise<number | undefined>,
): Promise<void> {
  const controller = new AbortController();
  let interrupts = 0;
  const onSignal = (): void => {
    if (++interrupts > 1) process.exit(exitCodes.cancelled);
    if (options.json !== true)
      process.stderr.write('\nCancelling; what was answered is kept. Press again to stop at once.\n');
    controller.abort(new DOMException('cancelled', 'AbortError'));
  };
  // Work that waits for what never comes would end the process with nothing said, and as a success.
  const onLost = (): void => {
    fail(
      options,
      new Error('The command ended before its work was done. This is a fault of AutoAct: please report it.'),
    );
  };
  process.exitCode = exitCodes.unexpected;
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).once('beforeExit', onLost);
  try {
    process.exitCode = (await work(controller.signal)) ?? exitCodes.ok;
  } catch (error) {
    if (controller.signal.aborted) process.exitCode = exitCodes.cancelled;
    else {
      fail(options, error);
      process.exitCode = exitCodeOf(error);
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('beforeExit', onLost);
  }
}

function fail(options: CommonOptions, error: unknown): void {
  const { message, remedy } = describeError(error);
  const reason = reasonOf(error) ?? 'internal';
  if (options.json === true) printJson({ type: 'error', message, reason, ...(remedy === undefined ? {} : { remedy }) });
  else {
    // Messages quote files, servers and tools: none of them may drive the terminal.
    process.stderr.write(visible(`\nError: ${message}\n${remedy === undefined ? '' : `${remedy}\n`}`));
    if (reason === 'internal' && error instanceof Error && process.env['AUTOACT_DEBUG'] !== undefined)
      process.stderr.write(`${error.stack ?? ''}\n`);
  }
}

/** Tells what the user should know while something goes on. */
export function noticesOf({ json }: CommonOptions): (message: string) => void {
  return (message) => {
    if (json === true) printJson({ type: 'notice', severity: 'info', message });
    else process.stderr.write(`  ${visible(message)}\n`);
  };
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
