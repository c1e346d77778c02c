import * as l10n from '@vscode/l10n';
import { useEffect, useState } from 'preact/hooks';
import { outageOf } from '../../src/core/run/outage.ts';
import { partlyDone } from '../../src/core/run/partlyDone.ts';
import type { RunStatus } from '../../src/core/run/status.ts';
import type { DashboardSnapshot } from '../../src/protocol/dashboard.ts';
import { runStateName } from '../../src/protocol/words.ts';
import { compact, duration, integer } from '../kit/format.ts';
import { Button } from '../kit/ui/controls.tsx';
import { useAsk } from './context.ts';
import { Mark } from '../kit/mark.tsx';

const stateText: Readonly<Record<RunStatus['state'], string>> = {
  pending: l10n.t('Waiting'),
  running: l10n.t('Running'),
  done: l10n.t('Done'),
  failed: l10n.t('Failed'),
  cancelled: l10n.t('Cancelled'),
  interrupted: l10n.t('Interrupted'),
};

/** Seconds that all stages have taken, counting on while the run is live. */
function useElapsed(status: RunStatus | undefined): number {
  const [now, setNow] = useState(Date.now());
  const live = status?.state === 'running';
  useEffect(() => {
    if (!live) return undefined;
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 1000);
    return () => {
      clearInterval(timer);
    };
  }, [live]);
  if (status === undefined) return 0;
  const counted = status.stages.reduce((sum, stage) => sum + stage.seconds, 0);
  return counted + (live ? Math.max(0, Math.min(60, (now - Date.parse(status.updatedAt)) / 1000)) : 0);
}

export function Header({ snapshot }: { readonly snapshot: DashboardSnapshot }) {
  const ask = useAsk();
  const { task, status, runner, trusted } = snapshot;
  const elapsed = useElapsed(status);
  const running = status?.stages.find((stage) => stage.state === 'running');
  const part = status === undefined ? undefined : partlyDone(status);
  const state =
    runner.state === 'starting'
      ? l10n.t('Starting')
      : runner.state === 'cancelling'
        ? l10n.t('Cancelling')
        : status === undefined
          ? l10n.t('Not started')
          : outageOf(status) === undefined
            ? part === undefined
              ? stateText[status.state]
              : runStateName(status)
            : l10n.t('Waiting for a server');
  const resumable =
    status !== undefined && (part !== undefined || ['failed', 'cancelled', 'interrupted'].includes(status.state));
  const idle = runner.state === 'idle';
  const usable = trusted && task.problem === undefined;
  return (
    <header class="header">
      <div class="title-row">
        <h1>{task.name}</h1>
        <div class="actions">
          {idle && resumable ? (
            <Button kind="primary" disabled={!usable} onClick={() => void ask('resume', null)}>
              {l10n.t('Resume')}
            </Button>
          ) : null}
          {idle ? (
            <Button kind={resumable ? 'secondary' : 'primary'} disabled={!usable} onClick={() => void ask('start', {})}>
              {status === undefined ? l10n.t('Start') : l10n.t('Start a new run')}
            </Button>
          ) : (
            <Button disabled={runner.state === 'cancelling'} onClick={() => void ask('cancel', null)}>
              {runner.state === 'cancelling' ? l10n.t('Cancelling …') : l10n.t('Cancel')}
            </Button>
          )}
          <Button disabled={!snapshot.hasReport} onClick={() => void ask('openFile', { file: 'report' })}>
            {l10n.t('Report')}
          </Button>
        </div>
      </div>
      {task.description === '' ? null : <p class="muted description">{task.description}</p>}
      <p class="visually-hidden" role="status">
        {`${state}${running === undefined ? '' : `: ${running.activity ?? running.id}`}`}
      </p>
      <dl class="facts">
        <div>
          <dt>{l10n.t('State')}</dt>
          <dd class="state">
            <Mark state={idle ? (part !== undefined || status === undefined ? 'pending' : status.state) : 'running'} />
            {state}
          </dd>
        </div>
        {status === undefined ? null : (
          <>
            <Fact name={l10n.t('Run')} value={status.run} mono />
            <Fact name={l10n.t('Seed')} value={String(status.seed)} />
            <Fact name={l10n.t('Mode')} value={status.mode} />
            <Fact name={l10n.t('Time')} value={duration(elapsed)} />
            {running?.secondsLeft === undefined ? null : (
              <Fact name={l10n.t('Left in this stage')} value={l10n.t('about {0}', duration(running.secondsLeft))} />
            )}
            <Fact name={l10n.t('Model calls')} value={integer(status.calls)} />
            <Fact
              name={l10n.t('Tokens')}
              value={l10n.t('{0} in, {1} out', compact(status.promptTokens), compact(status.completionTokens))}
            />
          </>
        )}
      </dl>
      {status === undefined || status.roles.length === 0 ? null : (
        <p class="roles muted">
          {groupRoles(status.roles).map(({ roles, where }) => (
            <span key={where}>
              <strong>{roles.join(', ')}</strong> {l10n.t('on {0}', where)}
            </span>
          ))}
        </p>
      )}
      {trusted ? null : (
        <p class="banner">{l10n.t('This workspace is not trusted: runs can be read here, and nothing is started.')}</p>
      )}
      {status?.state === 'interrupted' && idle ? (
        <p class="banner">
          {l10n.t(
            'The runner’s process is gone. Resume goes on where it stopped: every answer was kept, and none is asked for twice.',
          )}
        </p>
      ) : null}
    </header>
  );
}

function Fact({
  name,
  value,
  mono = false,
}: {
  readonly name: string;
  readonly value: string;
  readonly mono?: boolean;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={mono ? 'mono' : ''}>{value}</dd>
    </div>
  );
}

function groupRoles(roles: RunStatus['roles']): { roles: string[]; where: string }[] {
  const groups = new Map<string, string[]>();
  for (const { role, server, model } of roles) {
    const where = `${server}${model === '' ? '' : ` (${model})`}`;
    groups.set(where, [...(groups.get(where) ?? []), role]);
  }
  return [...groups].map(([where, names]) => ({ roles: names, where }));
}
