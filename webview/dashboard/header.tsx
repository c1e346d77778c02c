import { useEffect, useState } from 'preact/hooks';
import type { RunStatus } from '../../src/core/run/status.ts';
import type { DashboardSnapshot } from '../../src/protocol/dashboard.ts';
import { compact, duration, integer } from '../kit/format.ts';
import { Button } from '../kit/ui/controls.tsx';
import { useAsk } from './context.ts';
import { Mark } from './mark.tsx';

const stateText: Readonly<Record<RunStatus['state'], string>> = {
  pending: 'Waiting',
  running: 'Running',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
  interrupted: 'Interrupted',
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
  const state =
    runner.state === 'starting'
      ? 'Starting'
      : runner.state === 'cancelling'
        ? 'Cancelling'
        : status === undefined
          ? 'Not started'
          : stateText[status.state];
  const resumable = status !== undefined && ['failed', 'cancelled', 'interrupted'].includes(status.state);
  const idle = runner.state === 'idle';
  const usable = trusted && task.problem === undefined;
  return (
    <header class="header">
      <div class="title-row">
        <h1>{task.name}</h1>
        <div class="actions">
          {idle && resumable ? (
            <Button kind="primary" disabled={!usable} onClick={() => void ask('resume', null)}>
              Resume
            </Button>
          ) : null}
          {idle ? (
            <Button kind={resumable ? 'secondary' : 'primary'} disabled={!usable} onClick={() => void ask('start', {})}>
              {status === undefined ? 'Start' : 'Start a new run'}
            </Button>
          ) : (
            <Button kind="primary" disabled={runner.state === 'cancelling'} onClick={() => void ask('cancel', null)}>
              {runner.state === 'cancelling' ? 'Cancelling …' : 'Cancel'}
            </Button>
          )}
          <Button disabled={!snapshot.hasReport} onClick={() => void ask('openFile', { file: 'report' })}>
            Report
          </Button>
        </div>
      </div>
      {task.description === '' ? null : <p class="muted description">{task.description}</p>}
      <p class="visually-hidden" role="status">
        {`${state}${running === undefined ? '' : `: ${running.activity ?? running.id}`}`}
      </p>
      <dl class="facts">
        <div>
          <dt>State</dt>
          <dd class="state">
            <Mark
              state={runner.state === 'idle' && status !== undefined ? status.state : idle ? 'pending' : 'running'}
            />
            {state}
          </dd>
        </div>
        {status === undefined ? null : (
          <>
            <Fact name="Run" value={status.run} mono />
            <Fact name="Seed" value={String(status.seed)} />
            <Fact name="Mode" value={status.mode} />
            <Fact name="Time" value={duration(elapsed)} />
            {running?.secondsLeft === undefined ? null : (
              <Fact name="Left in this stage" value={`about ${duration(running.secondsLeft)}`} />
            )}
            <Fact name="Model calls" value={integer(status.calls)} />
            <Fact name="Tokens" value={`${compact(status.promptTokens)} in, ${compact(status.completionTokens)} out`} />
          </>
        )}
      </dl>
      {status === undefined || status.roles.length === 0 ? null : (
        <p class="roles muted">
          {groupRoles(status.roles).map(({ roles, where }) => (
            <span key={where}>
              <strong>{roles.join(', ')}</strong> on {where}
            </span>
          ))}
        </p>
      )}
      {trusted ? null : (
        <p class="banner">This workspace is not trusted: runs can be read here, and nothing is started.</p>
      )}
      {status?.state === 'interrupted' && idle ? (
        <p class="banner">
          The runner’s process is gone. Resume goes on where it stopped: every answer was kept, and none is asked for
          twice.
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
