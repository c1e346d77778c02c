import * as vscode from 'vscode';
import type { CommandId } from '../../contrib/commands.ts';
import { outlineTrace } from '../../core/trajectory/traceOutline.ts';
import { parseFileTraceUri, parseTraceUri } from './traceUri.ts';

/** A lens of a trace. The command gets the trace's URI, and for a step its number. */
export interface TraceLens {
  readonly title: string;
  readonly command: CommandId;
  /** `trace`: at the top; `step`: at each step's heading. */
  readonly at: 'trace' | 'step';
  /** `run`: only where the log is there, `file`: only for stored trajectories. Left out: for both. */
  readonly of?: 'run' | 'file';
}

/** Features add theirs here; lenses stand in this order. */
export const traceLenses: TraceLens[] = [
  { title: `$(arrow-up) ${vscode.l10n.t('Previous')}`, command: 'autoact.previousTrajectory', at: 'trace' },
  { title: `$(arrow-down) ${vscode.l10n.t('Next')}`, command: 'autoact.nextTrajectory', at: 'trace' },
  { title: `$(diff) ${vscode.l10n.t('Compare…')}`, command: 'autoact.compareTrajectories', at: 'trace' },
  { title: `$(comment) ${vscode.l10n.t('Annotate')}`, command: 'autoact.judgeTrace', at: 'trace' },
  { title: `$(references) ${vscode.l10n.t('Provenance')}`, command: 'autoact.showProvenance', at: 'trace', of: 'run' },
  {
    title: `$(json) ${vscode.l10n.t('Prompts and raw completions')}`,
    command: 'autoact.showRequests',
    at: 'trace',
    of: 'run',
  },
  { title: `$(json) ${vscode.l10n.t('Prompts of this step')}`, command: 'autoact.showRequests', at: 'step', of: 'run' },
];

export class TraceLenses implements vscode.CodeLensProvider {
  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const of = parseTraceUri(document.uri) !== undefined ? 'run' : 'file';
    if (of === 'file' && parseFileTraceUri(document.uri) === undefined) return [];
    const offered = traceLenses.filter((lens) => lens.of === undefined || lens.of === of);
    const made = (lens: TraceLens, line: number, ...more: unknown[]): vscode.CodeLens =>
      new vscode.CodeLens(new vscode.Range(line, 0, line, 0), {
        title: lens.title,
        command: lens.command,
        arguments: [document.uri, ...more],
      });
    const lenses = offered.filter(({ at }) => at === 'trace').map((lens) => made(lens, 0));
    const ofSteps = offered.filter(({ at }) => at === 'step');
    for (const section of outlineTrace(document.getText())) {
      if (section.kind !== 'step') continue;
      const number = Number(/\d+/.exec(section.title)?.[0] ?? 0);
      lenses.push(...ofSteps.map((lens) => made(lens, section.line, number)));
    }
    return lenses;
  }
}
