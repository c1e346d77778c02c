import * as l10n from '@vscode/l10n';
import { useEffect, useState } from 'preact/hooks';
import { DashboardHostMessage } from '../../src/protocol/dashboard.ts';
import type { DashboardRequests, DashboardSnapshot } from '../../src/protocol/dashboard.ts';
import { protocolVersion } from '../../src/protocol/surface.ts';
import type { WireError } from '../../src/protocol/surface.ts';
import type { PanelHost } from '../kit/panelHost.ts';
import { Problem } from '../kit/problem.tsx';
import type { RpcClient } from '../kit/rpc.ts';
import { Button } from '../kit/ui/controls.tsx';
import { useRequests } from '../kit/useRequests.ts';
import { ConfigurationForm } from './configuration.tsx';
import { AskProvider } from './context.ts';
import { Header } from './header.tsx';
import { Notices } from './notices.tsx';
import { Results } from './results.tsx';
import { Stages } from './stages.tsx';
import { Training } from './training.tsx';
import { Waiting } from './waiting.tsx';

interface Props {
  readonly host: PanelHost;
  readonly rpc: RpcClient<DashboardRequests>;
}

export function App({ host, rpc }: Props) {
  const [snapshot, setSnapshot] = useState<DashboardSnapshot>();
  const [problem, setProblem] = useState<WireError>();

  useEffect(() => {
    host.receive((message) => {
      const parsed = DashboardHostMessage.safeParse(message);
      if (!parsed.success) {
        setProblem({
          message: l10n.t('The dashboard received a message that it cannot read.'),
          remedy: l10n.t('Close it and open it again; if it comes back, see the log.'),
        });
        return;
      }
      if (parsed.data.type === 'response') {
        rpc.settle(
          parsed.data.ok
            ? { id: parsed.data.id, ok: true, value: parsed.data.value }
            : { id: parsed.data.id, ok: false, error: parsed.data.error },
        );
        return;
      }
      if (parsed.data.version !== protocolVersion)
        setProblem({
          message: l10n.t('The extension was updated.'),
          remedy: l10n.t('Close this view and open it again.'),
        });
      setSnapshot(parsed.data.snapshot);
      host.keep(parsed.data.state);
    });
    rpc.ready();
  }, [host, rpc]);

  const ask = useRequests(rpc, setProblem);

  if (snapshot === undefined) {
    return (
      <main class="page">
        {problem === undefined ? (
          <p class="muted" role="status">
            {l10n.t('Reading the run …')}
          </p>
        ) : (
          <Problem problem={problem} />
        )}
      </main>
    );
  }
  const { status } = snapshot;
  const problems = [
    problem,
    snapshot.runner.error,
    ...(snapshot.task.problem === undefined ? [] : [{ message: snapshot.task.problem }]),
  ].filter((each) => each !== undefined);
  return (
    <AskProvider value={ask}>
      <main class="page">
        <Header snapshot={snapshot} />
        {problems.map((each) => (
          <Problem
            key={each.message}
            problem={each}
            actions={<Button onClick={() => void ask('showLog', null)}>{l10n.t('Show log')}</Button>}
          />
        ))}
        <Waiting snapshot={snapshot} />
        {status === undefined ? <FirstRun snapshot={snapshot} /> : null}
        <div class={status === undefined ? 'columns single' : 'columns'}>
          {status === undefined ? null : (
            <div class="column">
              <Stages status={status} canRun={snapshot.trusted && snapshot.runner.state === 'idle'} />
            </div>
          )}
          <div class="column">
            {status === undefined ? null : (
              <>
                <Results status={status} />
                <Training status={status} />
                <Notices status={status} />
              </>
            )}
            <ConfigurationForm snapshot={snapshot} open={status === undefined} />
          </div>
        </div>
      </main>
    </AskProvider>
  );
}

function FirstRun({ snapshot }: { readonly snapshot: DashboardSnapshot }) {
  const starting = snapshot.runner.state !== 'idle';
  return (
    <section class="card welcome" aria-label={l10n.t('What happens next')}>
      <p>
        {starting
          ? l10n.t('The runner is starting. The first start loads the model and may take some seconds.')
          : snapshot.task.examples === 1
            ? l10n.t(
                'From 1 example the loop writes questions, solves them with tools, keeps what it solved, trains three agents on it and evaluates them. Press Start; everything below can stay as it is.',
              )
            : l10n.t(
                'From {0} examples the loop writes questions, solves them with tools, keeps what it solved, trains three agents on it and evaluates them. Press Start; everything below can stay as it is.',
                snapshot.task.examples,
              )}
      </p>
    </section>
  );
}
