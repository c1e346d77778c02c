import * as vscode from 'vscode';
import type { CommandId } from '../../contrib/commands.ts';
import { partlyDone } from '../../core/run/partlyDone.ts';
import { outageOf } from '../../core/run/outage.ts';
import type { WireError } from '../../protocol/surface.ts';
import { runStateName } from '../../protocol/words.ts';
import { Disposables } from '../disposables.ts';
import { showProblem } from '../notify.ts';
import { runBar } from './runBar.ts';
import type { RunIndex } from './runIndex.ts';
import { isLive } from './runRecord.ts';
import type { RunRecord } from './runRecord.ts';
import type { RunnerService } from './runnerService.ts';

/**
 * Shows in the status bar what is under way, and tells how runs end; and once of each outage that a run waits, with the
 * way to stop it.
 */
export class RunWatch implements vscode.Disposable {
  private readonly owned = new Disposables();
  private readonly bar = this.owned.add(
    vscode.window.createStatusBarItem('autoact.run', vscode.StatusBarAlignment.Left, 10),
  );
  private readonly runs: RunIndex;
  private readonly log: vscode.LogOutputChannel;
  private readonly told = new Set<string>();

  constructor(runs: RunIndex, runner: RunnerService, log: vscode.LogOutputChannel) {
    this.runs = runs;
    this.log = log;
    this.bar.name = vscode.l10n.t('AutoAct Runs');
    this.owned.add(
      runs.onDidChange(() => {
        this.look();
      }),
    );
    this.owned.add(
      runner.onDidFail(({ session, problem }) => {
        this.tellFailure(session.run, problem);
      }),
    );
    this.owned.add(
      runner.onDidEnd(({ run }) => {
        this.tellDone(run === undefined ? undefined : runs.find(run));
      }),
    );
  }

  dispose(): void {
    this.owned.dispose();
  }

  private look(): void {
    const live = this.runs.runs().filter(({ status }) => isLive(status));
    const shown = runBar(live.map(({ status }) => status));
    if (shown === undefined) {
      this.bar.hide();
    } else {
      const run = live.find(({ id }) => id === shown.run);
      this.bar.text = shown.text;
      this.bar.tooltip = shown.tooltip;
      this.bar.backgroundColor = shown.warning ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
      this.bar.command = {
        command: 'autoact.openDashboard' satisfies CommandId,
        title: vscode.l10n.t('Open Dashboard'),
        arguments: [{ kind: 'run', run }],
      };
      this.bar.accessibilityInformation = { label: `${shown.text.replace(/\$\([^)]*\) /, '')}. ${shown.tooltip}` };
      this.bar.show();
    }
    for (const run of live) this.tellOutage(run);
  }

  private tellFailure(id: string | undefined, problem: WireError): void {
    const resume = () =>
      vscode.commands.executeCommand('autoact.resume', { kind: 'run', run: this.runs.find(id ?? '') });
    void showProblem(this.log, problem, id === undefined ? [] : [{ title: vscode.l10n.t('Resume'), run: resume }]);
  }

  private tellDone(run: RunRecord | undefined): void {
    if (run?.status.state !== 'done') return;
    if (partlyDone(run.status) !== undefined) {
      this.tellPart(run);
      return;
    }
    const title = vscode.l10n.t('Open Results');
    void vscode.window
      .showInformationMessage(vscode.l10n.t('AutoAct: run {0} is done.', run.id), title)
      .then(async (chosen) => {
        if (chosen === title) await vscode.commands.executeCommand('autoact.openResults', { kind: 'run', run });
      });
  }

  private tellPart(run: RunRecord): void {
    const title = vscode.l10n.t('Resume');
    void vscode.window
      .showInformationMessage(vscode.l10n.t('AutoAct: run {0}: {1}.', run.id, runStateName(run.status)), title)
      .then(async (chosen) => {
        if (chosen === title) await vscode.commands.executeCommand('autoact.resume', { kind: 'run', run });
      });
  }

  private tellOutage(run: RunRecord): void {
    const outage = outageOf(run.status);
    if (outage === undefined) return;
    const key = `${run.id} ${outage.since}`;
    if (this.told.has(key)) return;
    this.told.add(key);
    const execute = (id: CommandId, ...args: unknown[]) => vscode.commands.executeCommand(id, ...args);
    const { message, remedy } = outage;
    const actions = [
      {
        title: vscode.l10n.t('Stop the Run'),
        run: () => execute('autoact.cancel', { kind: 'run', run: this.runs.find(run.id) }),
      },
      { title: vscode.l10n.t('Doctor'), run: () => execute('autoact.doctor', { kind: 'run', run }) },
    ];
    void showProblem(this.log, { message: vscode.l10n.t('Run {0}: {1}', run.id, message), remedy }, actions, 'warning');
  }
}
