import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ForkEdit } from '../../core/debug/target.ts';
import type { TraceNote } from '../../core/run/request.ts';
import { notesOf } from '../../core/trajectory/storedNotes.ts';
import { askedQuestion, outcomeOf, scoreOf } from '../../core/trajectory/summary.ts';
import { traceDetails } from '../../core/trajectory/traceDetails.ts';
import type { TraceDetails } from '../../core/trajectory/traceDetails.ts';
import { renderTrace } from '../../core/trajectory/traceText.ts';
import type { TraceEnd, TraceHeader, TraceText } from '../../core/trajectory/traceText.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import { parseForkUri } from '../debug/debugUri.ts';
import { loadFork } from '../debug/forkTrace.ts';
import { isLive } from '../runs/runRecord.ts';
import type { RunIndex } from '../runs/runIndex.ts';
import { describeResult } from '../runs/trajectories.ts';
import type { OpenTrajectories } from '../trajectories/openTrajectories.ts';
import { parseFileTraceUri, parseTraceUri } from './traceUri.ts';

/** A trajectory as everything that shows traces needs it, whether a run's, one of a file, or a fork. */
export interface LoadedTrace {
  readonly header: TraceHeader;
  readonly notes: readonly TraceNote[];
  readonly end: TraceEnd;
  /** Absent for stored trajectories: files keep no requests. */
  readonly details?: TraceDetails;
  /** What was edited, where the trace is a fork. */
  readonly edits?: readonly ForkEdit[];
  /** 0..1; absent when it was not scored. */
  readonly score?: number;
}

/** Reads traces by their URI. */
export class TraceLoader {
  private readonly runs: RunIndex;
  private readonly files: OpenTrajectories;

  constructor(runs: RunIndex, files: OpenTrajectories) {
    this.runs = runs;
    this.files = files;
  }

  /** @throws vscode.FileSystemError FileNotFound when there is none (any more) */
  async load(uri: vscode.Uri): Promise<LoadedTrace> {
    const fork = parseForkUri(uri);
    if (fork !== undefined) return this.loadFork(fork);
    const stored = parseFileTraceUri(uri);
    return stored === undefined ? this.loadOfRun(uri) : this.loadOfFile(uri, stored.path, stored.line);
  }

  async render(uri: vscode.Uri): Promise<{ readonly trace: LoadedTrace; readonly rendered: TraceText }> {
    const trace = await this.load(uri);
    return { trace, rendered: renderTrace(trace.header, trace.notes, trace.end) };
  }

  private loadFork(file: string): LoadedTrace {
    try {
      return loadFork(file);
    } catch (error) {
      throw vscode.FileSystemError.FileNotFound(error instanceof Error ? error.message : String(error));
    }
  }

  private async loadOfRun(uri: vscode.Uri): Promise<LoadedTrace> {
    const address = parseTraceUri(uri);
    await this.runs.ready();
    const run = address === undefined ? undefined : this.runs.find(address.run);
    if (address === undefined || run === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    const log = this.runs.logOf(run);
    await log.refresh();
    const item = log.item(address.item);
    if (item === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    const entries = await log.read(item.entries);
    const score = (await this.runs.scores.of(run.folder)).get(address.item);
    const asked = entries.find((entry) => 'asked' in entry && 'tail' in entry.asked);
    const question =
      asked !== undefined && 'asked' in asked && 'tail' in asked.asked ? askedQuestion(asked.asked.tail) : '';
    const header = {
      run: run.id,
      item: address.item,
      task: run.status.task,
      ...(question === '' ? {} : { question }),
    };
    const notes = entries.flatMap((entry) => ('note' in entry ? [entry.note] : []));
    const last = entries.findLast((entry) => 'failed' in entry || 'result' in entry);
    const common = { header, notes, details: traceDetails(entries), ...(score === undefined ? {} : { score }) };
    if (item.state === 'open') return { ...common, end: { state: isLive(run.status) ? 'live' : 'stopped' } };
    if (last !== undefined && 'failed' in last) return { ...common, end: { state: 'failed', ...last.failed } };
    const result = last !== undefined && 'result' in last ? last.result : undefined;
    return { ...common, end: { state: 'finished', summary: describeResult(result, score).text } };
  }

  private async loadOfFile(uri: vscode.Uri, path: string, line: number): Promise<LoadedTrace> {
    const file = await this.files.open(path).catch(() => undefined);
    const row = file?.rowOfLine(line);
    if (file === undefined || row === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    const header = {
      run: '',
      item: file.rows[row]?.summary.id ?? '',
      file: `${vscode.workspace.asRelativePath(path)}, line ${line}`,
    };
    const reading = await file.read(row);
    if (!reading.ok)
      return {
        header,
        notes: [],
        end: { state: 'failed', reason: 'unreadable', message: `${basename(path)}, line ${line}: ${reading.reason}` },
      };
    const { trajectory } = reading;
    const score = scoreOf(trajectory.reward, trajectory.correct);
    const shown = trajectory.answer === null ? 'no answer' : `“${visibleLine(trajectory.answer, 80)}”`;
    const halted = trajectory.halt === undefined ? '' : `, halted (${visibleLine(trajectory.halt, 40)})`;
    const partly = score !== undefined && score > 0 && score < 1 ? ` (${score.toFixed(2)})` : '';
    return {
      header: { ...header, item: trajectory.id, question: trajectory.question },
      notes: notesOf(trajectory),
      end:
        trajectory.failed === true
          ? { state: 'failed', reason: 'error', message: 'the servers or tools failed' }
          : {
              state: 'finished',
              summary: `${score === undefined ? 'answered' : outcomeOf(score)}${partly}${score === undefined ? ' ' : ': '}${shown}${halted}`,
            },
      ...(score === undefined ? {} : { score }),
    };
  }
}
