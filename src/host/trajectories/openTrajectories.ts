import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import type { IndexRow } from '../../core/trajectory/trajectoryIndex.ts';
import { TrajectoryFile } from '../../node/trajectories/trajectoryFile.ts';
import { RunSummaries } from '../../node/trajectories/runSummaries.ts';
import type { RunRecord } from '../runs/runRecord.ts';

/** Files that are kept open at once: an index of a hundred thousand trajectories takes some tens of megabytes. */
const keptFiles = 6;
/** Rows that are shown while the others are read: more than any screen holds. */
const headRows = 200;
/** Bytes from which reading is worth a notification that can be cancelled. */
const slowFrom = 50 << 20;

/** The trajectory files and logs that are looked at, each indexed once for all views. */
export class OpenTrajectories {
  private readonly files = new Map<string, Promise<TrajectoryFile>>();
  private readonly summaries = new Map<string, RunSummaries>();
  private readonly cache: string;

  constructor(cache: string) {
    this.cache = cache;
  }

  /** The file with what was added to it since. @throws TaskError, vscode.CancellationError */
  async open(path: string): Promise<TrajectoryFile> {
    const known = this.files.get(path);
    const opening = known ?? this.index(path);
    // The last used is the last to go.
    this.files.delete(path);
    this.files.set(path, opening);
    for (const oldest of [...this.files.keys()].slice(0, -keptFiles)) this.files.delete(oldest);
    try {
      const file = await opening;
      if (known !== undefined) await file.refresh();
      return file;
    } catch (error) {
      this.files.delete(path);
      throw error;
    }
  }

  /** The first rows of a file that is not open yet, when its index was kept; see {@link TrajectoryFile.head}. */
  async head(path: string): Promise<readonly IndexRow[] | undefined> {
    return this.files.has(path) ? undefined : TrajectoryFile.head(path, this.cache, headRows);
  }

  /** Of a run's log, up to date. */
  async ofRun(run: RunRecord): Promise<RunSummaries> {
    let summaries = this.summaries.get(run.folder);
    if (summaries === undefined) {
      summaries = new RunSummaries(join(run.folder, 'log.jsonl'));
      this.summaries.set(run.folder, summaries);
    }
    await summaries.refresh();
    return summaries;
  }

  private async index(path: string): Promise<TrajectoryFile> {
    const size = await stat(path).then(
      (stats) => stats.size,
      () => 0,
    );
    if (size < slowFrom) return TrajectoryFile.open(path, { cache: this.cache });
    return vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: vscode.l10n.t('AutoAct: indexing {0} ({1} MB)', basename(path), Math.round(size / 1e6)),
        cancellable: true,
      },
      async (progress, token) => {
        const controller = new AbortController();
        token.onCancellationRequested(() => {
          controller.abort();
        });
        let shown = 0;
        try {
          return await TrajectoryFile.open(path, {
            cache: this.cache,
            signal: controller.signal,
            onProgress: (share) => {
              progress.report({ increment: (share - shown) * 100 });
              shown = share;
            },
          });
        } catch (error) {
          throw controller.signal.aborted ? new vscode.CancellationError() : error;
        }
      },
    );
  }
}
