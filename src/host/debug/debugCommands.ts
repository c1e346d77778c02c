import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { CommandId } from '../../contrib/commands.ts';
import { debugType } from '../../contrib/ids.ts';
import { outlineTrace } from '../../core/trajectory/traceOutline.ts';
import { readFork } from '../../node/debug/forkFiles.ts';
import { countPublished } from '../../node/debug/publishedFile.ts';
import { targetTrajectory } from '../commands/targets.ts';
import { UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import { parseFileTraceUri, parseTraceUri } from '../traces/traceUri.ts';
import { parseForkUri } from './debugUri.ts';
import type { DebugService } from './debugService.ts';

/** Debugs the trajectory of a tree item, of a results row, or of the trace that is open. */
export async function debugTrajectory(
  services: Services,
  debug: DebugService,
  arg: unknown,
  mode: 'replay' | 'live',
  line?: unknown,
): Promise<void> {
  const uri = arg instanceof vscode.Uri ? arg : vscode.window.activeTextEditor?.document.uri;
  const shown = uri !== undefined && (arg === undefined || arg === uri) ? debug.configurationOf(uri) : undefined;
  const { run, item } =
    shown === undefined ? await targetTrajectory(services, arg) : { run: undefined, item: undefined };
  const what: ReturnType<DebugService['configurationOf']> & object = shown ?? {
    ...(run === undefined ? {} : { run: run.id }),
    ...(item === undefined ? {} : { trajectory: item }),
  };
  const plan = String(what.trajectory ?? basename(what.fork ?? what.file ?? 'plan'));
  const name = mode === 'live' ? vscode.l10n.t('Debug {0}', plan) : vscode.l10n.t('Replay {0}', plan);
  const here = typeof line === 'number' && uri !== undefined ? breakpointAt(uri, line) : undefined;
  await start({
    type: debugType,
    request: 'launch',
    name,
    mode,
    ...what,
    ...(here === undefined ? {} : { stopOnEntry: false }),
  });
}

/** Samples a step of a trace again with the run's own models, in a live session that stops there. */
export async function resampleStep(debug: DebugService, uri: unknown, step: unknown): Promise<void> {
  const shown = uri instanceof vscode.Uri ? debug.configurationOf(uri) : undefined;
  if (shown === undefined || typeof step !== 'number') return debug.resample();
  const go = vscode.l10n.t('Resample');
  const chosen = await vscode.window.showInformationMessage(
    vscode.l10n.t('Resample step {0}?', step),
    {
      modal: true,
      detail: vscode.l10n.t(
        'The steps before come from the recording. This step is asked of the run’s own models with another seed, which may cost what a few requests cost; you then go on from there. The original stays as it is.',
      ),
    },
    go,
  );
  if (chosen !== go) return;
  await start({
    type: debugType,
    request: 'launch',
    name: vscode.l10n.t('Resample step {0}', step),
    mode: 'live',
    ...shown,
    resample: step,
  });
}

/** Debugs a line of a file of published trajectories, which the person chooses. */
export async function debugFile(arg: unknown): Promise<void> {
  const chosen =
    arg instanceof vscode.Uri
      ? [arg]
      : await vscode.window.showOpenDialog({
          title: vscode.l10n.t('Trajectories of the published AutoAct code'),
          filters: { 'Trajectories (.jsonl)': ['jsonl'] },
          openLabel: vscode.l10n.t('Debug'),
        });
  const file = chosen?.[0]?.fsPath;
  if (file === undefined) return;
  const count = await countPublished(file);
  const text =
    count <= 1
      ? '1'
      : await vscode.window.showInputBox({
          title: vscode.l10n.t('Which of the {0} trajectories?', count),
          value: '1',
          validateInput: (value) =>
            /^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= count
              ? undefined
              : vscode.l10n.t('A number from 1 to {0}', count),
        });
  if (text === undefined) return;
  await start({
    type: debugType,
    request: 'launch',
    name: vscode.l10n.t('Replay {0} {1}', basename(file), text),
    file,
    line: Number(text),
    mode: 'replay',
  });
}

async function start(configuration: vscode.DebugConfiguration): Promise<void> {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const folder = uri === undefined ? undefined : vscode.workspace.getWorkspaceFolder(uri);
  const started = await vscode.debug.startDebugging(folder ?? vscode.workspace.workspaceFolders?.[0], configuration);
  if (!started && !vscode.workspace.isTrusted)
    throw new UserError(
      vscode.l10n.t('VS Code debugs in trusted workspaces only.'),
      vscode.l10n.t('Traces can be read without trust.'),
    );
}

/** A breakpoint where a plan is to be stopped; the one that is there already serves as well. */
function breakpointAt(uri: vscode.Uri, line: number): vscode.SourceBreakpoint {
  const there = vscode.debug.breakpoints.find(
    (one): one is vscode.SourceBreakpoint =>
      one instanceof vscode.SourceBreakpoint &&
      one.location.uri.toString() === uri.toString() &&
      one.location.range.start.line === line,
  );
  if (there !== undefined) return there;
  const made = new vscode.SourceBreakpoint(new vscode.Location(uri, new vscode.Position(line, 0)), true);
  vscode.debug.addBreakpoints([made]);
  return made;
}

/** "Debug from here" above each step of a trace, and at the head of a fork the way to its original. */
export class DebugLenses implements vscode.CodeLensProvider {
  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const ofRun = parseTraceUri(document.uri) !== undefined;
    const fork = parseForkUri(document.uri);
    const isFork = fork !== undefined;
    if (!ofRun && !isFork && parseFileTraceUri(document.uri) === undefined) return [];
    const lens = (line: number, title: string, command: CommandId, ...args: unknown[]): vscode.CodeLens =>
      new vscode.CodeLens(new vscode.Range(line, 0, line, 0), { title, command, arguments: [document.uri, ...args] });
    const lenses = [lens(0, `$(debug-alt) ${vscode.l10n.t('Debug')}`, 'autoact.debugTrajectory')];
    if (isFork) lenses.push(lens(0, `$(diff) ${vscode.l10n.t('Compare with original')}`, 'autoact.compareFork'));
    // A stored trajectory has no models that could be asked, nor has a fork of one.
    const hasModels = ofRun || (isFork && isOfRun(fork));
    for (const section of outlineTrace(document.getText())) {
      if (section.kind !== 'step') continue;
      const first = section.children[0]?.children[0]?.line ?? section.line;
      lenses.push(
        lens(section.line, `$(debug-alt) ${vscode.l10n.t('Debug from here')}`, 'autoact.debugTrajectory', first),
      );
      if (hasModels)
        lenses.push(
          lens(
            section.line,
            `$(sync) ${vscode.l10n.t('Resample this step')}`,
            'autoact.resampleStep',
            Number(/\d+/.exec(section.title)?.[0]),
          ),
        );
    }
    return lenses;
  }
}

/** Whether a fork was made from a trajectory of a run; false as well for one that is gone or cannot be read. */
function isOfRun(fork: string): boolean {
  try {
    return readFork(fork).record.source === undefined;
  } catch {
    return false;
  }
}
