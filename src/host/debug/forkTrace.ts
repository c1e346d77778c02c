import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { readFork } from '../../node/debug/forkFiles.ts';
import { describeResult } from '../runs/trajectories.ts';
import type { LoadedTrace } from '../traces/traceLoader.ts';

/** A fork as far as it has come. @throws when the file is gone or is no fork */
export function loadFork(file: string): LoadedTrace {
  const { record, entries } = readFork(file);
  const notes = entries.flatMap((entry) => ('note' in entry ? [entry.note] : []));
  const last = entries.find((entry) => 'result' in entry);
  const { run, id: item, task, question, source } = record;
  const header = {
    ...(source === undefined ? { run } : { run: '', file: `${basename(source.file)}, line ${source.line}` }),
    item,
    ...(task === undefined ? {} : { task }),
    ...(question === undefined ? {} : { question }),
  };
  return {
    header,
    notes,
    edits: record.edits,
    end:
      last === undefined
        ? { state: 'paused' }
        : { state: 'finished', summary: describeResult(last.result, undefined).text },
  };
}

/** Calls when a fork's file has changed: it grows while it is debugged. */
export function followFork(file: string, changed: () => void): vscode.Disposable {
  const name = basename(file);
  try {
    const watcher = watch(dirname(file), (_event, other) => {
      if (other === null || other === name) changed();
    });
    watcher.on('error', () => {
      watcher.close();
    });
    return new vscode.Disposable(() => {
      watcher.close();
    });
  } catch {
    return new vscode.Disposable(() => undefined); // the folder is gone; so is the document
  }
}
