import * as l10n from '@vscode/l10n';
import { outageOf } from '../../core/run/outage.ts';
import { type RunStatus } from '../../core/run/status.ts';
import { stageName } from '../../protocol/words.ts';

/** What the status bar says of runs. */
export interface RunBar {
  readonly text: string;
  readonly tooltip: string;
  readonly warning: boolean;
  /** The run that a click opens. */
  readonly run: string;
}

/** Of the runs that are under way; one that waits for a server goes before the others. Undefined where there is none. */
export function runBar(running: readonly RunStatus[]): RunBar | undefined {
  const stuck = running.find((status) => outageOf(status) !== undefined);
  const outage = stuck === undefined ? undefined : outageOf(stuck);
  const open = l10n.t('Click to open the dashboard, where the run can be stopped.');
  if (stuck !== undefined && outage !== undefined)
    return {
      text: `$(warning) ${l10n.t('AutoAct: {0} does not answer', outage.servers.map(plain).join(', '))}`,
      tooltip: [l10n.t('Run {0}: {1}', stuck.run, outage.message), outage.remedy, open].join('\n'),
      warning: true,
      run: stuck.run,
    };
  const [first] = running;
  if (first === undefined) return undefined;
  const stage = first.stages.find(({ state }) => state === 'running');
  const title = stage === undefined ? l10n.t('starting') : stageName(stage.id);
  const at =
    stage === undefined || stage.total === 0 ? title : l10n.t('{0} {1} of {2}', title, stage.done, stage.total);
  const more = running.length - 1;
  return {
    text: `$(sync~spin) AutoAct: ${more > 0 ? l10n.t('{0}, and {1} more', at, more) : at}`,
    tooltip: `${running.map(({ task, run }) => l10n.t('{0}: run {1}', task, run)).join('\n')}\n${open}`,
    warning: false,
    run: first.run,
  };
}

/** Without what the status bar would draw as an icon: names come from task cards. */
function plain(name: string): string {
  return name.replaceAll('$(', '$ (').slice(0, 40);
}
