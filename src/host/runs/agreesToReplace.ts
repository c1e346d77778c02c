import * as vscode from 'vscode';
import { type StageId } from '../../core/run/status.ts';
import type { RunIndex } from './runIndex.ts';
import type { RunRecord } from './runRecord.ts';
import { stageName } from '../../protocol/words.ts';

/** A stage that is done is only done again when the person says so: it replaces what the run shows. */
export async function agreesToReplace(runs: RunIndex, run: RunRecord, stage: StageId): Promise<boolean> {
  const { stages } = (await runs.reread(run)).status;
  const known = stages.find(({ id }) => id === stage);
  if (known?.state !== 'done') return true;
  const later = stages.slice(stages.indexOf(known) + 1).filter(({ state }) => state === 'done');
  const replaced = [known, ...later].map(({ id }) => stageName(id)).join(', ');
  const yes = vscode.l10n.t('Run It Again');
  const detail = vscode.l10n.t(
    'What run {0} shows of these is made anew: {1}. Until new figures are there, the earlier ones stay on show and are marked as such. Requests whose answers are in the run’s log are not asked again.',
    run.id,
    replaced,
  );
  return (
    (await vscode.window.showWarningMessage(
      vscode.l10n.t('{0} of this run is done. Run it again?', stageName(stage)),
      { modal: true, detail },
      yes,
    )) === yes
  );
}
