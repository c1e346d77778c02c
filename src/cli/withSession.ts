import { partlyDone } from '../core/run/partlyDone.ts';
import { stageTitles } from '../core/run/status.ts';
import { noticesOf, printJson, type CommonOptions } from './action.ts';
import type { ProgressView } from './progressView.ts';
import type { Session, SessionOptions } from './session.ts';
import { exitCodes } from './exitCodes.ts';

/** Where a run's progress and remarks go: lines of JSON for programs, a live view and stderr for people. */
export function liveOutput(options: CommonOptions, view: ProgressView): Pick<SessionOptions, 'publish' | 'notify'> {
  return {
    publish: (status) => {
      if (options.json === true) printJson({ type: 'status', status });
      else view.show(status);
    },
    notify: noticesOf(options),
  };
}

/** Does work on an open run, records how it ended, and closes the run whatever happens. */
export async function withSession(
  session: Session,
  options: CommonOptions,
  view: ProgressView,
  work: () => Promise<void>,
): Promise<number> {
  const { context, folder } = session;
  const { signal, ports } = context;
  let state: 'done' | 'failed' | 'cancelled' = 'failed';
  if (options.json !== true) process.stderr.write(`Run ${folder.id}\n`);
  try {
    await ports.log.append({ t: Date.now(), item: 'run', event: 'started', detail: { pid: process.pid } });
    await work();
    state = 'done';
    return exitCodes.ok;
  } catch (error) {
    if (signal.aborted) {
      state = 'cancelled';
      return exitCodes.cancelled;
    }
    throw error;
  } finally {
    await finish(session, state);
    view.close();
    const part = partlyDone(session.context.tracker.snapshot);
    if (options.json === true) printJson({ type: 'done', run: folder.id, folder: folder.path, state });
    else if (state !== 'done' || part !== undefined)
      process.stderr.write(
        `\nRun ${folder.id} ${part === undefined ? (state === 'cancelled' ? 'was cancelled' : 'stopped') : `has done ${stageTitles[part.last]}; ${stageTitles[part.next]} is waiting`}. Go on with: autoact run --resume ${folder.id}\n`,
      );
  }
}

/** A full disk must not hide the error that is being reported: what cannot be written here is derived anyway. */
async function finish(session: Session, state: 'done' | 'failed' | 'cancelled'): Promise<void> {
  const { tracker, ports } = session.context;
  try {
    tracker.finish(state);
    await ports.log.append({ t: Date.now(), item: 'run', event: state });
  } catch {
    // Reported already, by the write that failed first.
  }
  await session.close();
}
