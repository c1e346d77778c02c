import * as l10n from '@vscode/l10n';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { JobView } from '../../src/core/box/jobView.ts';
import { JobHostMessage } from '../../src/protocol/job.ts';
import type { JobMethod, JobRequests, JobSnapshot } from '../../src/protocol/job.ts';
import { protocolVersion } from '../../src/protocol/surface.ts';
import type { WireError } from '../../src/protocol/surface.ts';
import { duration, integer } from '../kit/format.ts';
import { LossCurve } from '../kit/lossCurve.tsx';
import { Mark } from '../kit/mark.tsx';
import type { PanelHost } from '../kit/panelHost.ts';
import { Problem } from '../kit/problem.tsx';
import type { RpcClient } from '../kit/rpc.ts';
import { Button } from '../kit/ui/controls.tsx';
import { useRequests } from '../kit/useRequests.ts';
import { GpuUse } from './gpuUse.tsx';
import { Log } from './log.tsx';

interface Props {
  readonly host: PanelHost;
  readonly rpc: RpcClient<JobRequests>;
}

export function App({ host, rpc }: Props) {
  const [snapshot, setSnapshot] = useState<JobSnapshot>();
  const [problem, setProblem] = useState<WireError>();

  useEffect(() => {
    host.receive((message) => {
      const parsed = JobHostMessage.safeParse(message);
      if (!parsed.success) {
        setProblem({
          message: l10n.t('This view received a message that it cannot read.'),
          remedy: l10n.t('Close it and open it again; if it comes back, see the log.'),
        });
        return;
      }
      const { data } = parsed;
      if (data.type === 'response') {
        if (data.ok) rpc.settle({ id: data.id, ok: true, value: data.value });
        else rpc.settle({ id: data.id, ok: false, error: data.error });
        return;
      }
      if (data.version !== protocolVersion)
        setProblem({
          message: l10n.t('The extension was updated.'),
          remedy: l10n.t('Close this view and open it again.'),
        });
      setSnapshot(data.snapshot);
      host.keep(data.state);
    });
    rpc.ready();
  }, [host, rpc]);

  const request = useRequests(rpc, setProblem);
  const ask = (method: JobMethod): void => void request(method, null);

  if (snapshot === undefined)
    return (
      <main class="page">
        {problem === undefined ? (
          <p class="muted" role="status">
            {l10n.t('Asking the box …')}
          </p>
        ) : (
          <Problem problem={problem} />
        )}
      </main>
    );
  const { view } = snapshot;
  return (
    <main class="page">
      <Header snapshot={snapshot} ask={ask} />
      {problem === undefined ? null : <Problem problem={problem} />}
      {snapshot.problem === undefined ? null : (
        <Problem
          problem={{ message: snapshot.problem }}
          actions={<Button onClick={() => ask('watch')}>{l10n.t('Try Again')}</Button>}
        />
      )}
      {snapshot.served.map(({ address, adapters }) => (
        <section class="card" key={address} aria-label={l10n.t('Served adapters')}>
          <div class="title-row">
            <h2>{l10n.t('Served at {0}', address)}</h2>
            {adapters.every(({ ok }) => ok !== false) ? (
              <Button
                kind="primary"
                disabled={!snapshot.trusted || snapshot.busy !== undefined}
                onClick={() => ask('use')}
              >
                {l10n.t('Use for the Roles')}
              </Button>
            ) : null}
          </div>
          <ul class="served">
            {adapters.map(({ name, model, ok, message }) => (
              <li key={model}>
                <strong>{name}</strong> <span class="mono">{model}</span>{' '}
                <span class={ok === undefined ? 'badge' : ok ? 'badge good' : 'badge bad'}>
                  {ok === undefined ? '? ' : ok ? '✓ ' : '✗ '}
                  {message}
                </span>
              </li>
            ))}
          </ul>
        </section>
      ))}
      {view === undefined ? null : (
        <>
          {snapshot.kind === 'serve' ? null : (
            <section class="card" aria-labelledby="loss-title">
              <h2 id="loss-title">{l10n.t('Loss')}</h2>
              {view.curves.length === 0 ? (
                <p class="muted">{l10n.t('The curves begin with the first step.')}</p>
              ) : (
                <div class="curves">
                  {view.curves.map((curve) => (
                    <LossCurve key={curve.adapter} curve={curve} />
                  ))}
                </div>
              )}
            </section>
          )}
          <GpuUse gpus={view.gpus} box={snapshot.host} />
          <Notes notes={view.notes} />
          <Log text={view.log} state={view.state} cut={view.logCut} open={() => ask('openLog')} />
        </>
      )}
    </main>
  );
}

const states: Readonly<Record<JobView['state'], readonly [word: string, mark: Parameters<typeof Mark>[0]['state']]>> = {
  connecting: [l10n.t('Connecting'), 'pending'],
  waiting: [l10n.t('Waiting'), 'pending'],
  running: [l10n.t('Running'), 'running'],
  'lost-contact': [l10n.t('Lost contact'), 'interrupted'],
  finished: [l10n.t('Finished'), 'done'],
  failed: [l10n.t('Failed'), 'failed'],
  cancelled: [l10n.t('Stopped'), 'cancelled'],
  vanished: [l10n.t('Vanished'), 'interrupted'],
};

function Header({ snapshot, ask }: { readonly snapshot: JobSnapshot; readonly ask: (method: JobMethod) => void }) {
  const { box, host, job, kind, view, busy, trusted, local, watched } = snapshot;
  const state = view?.state ?? 'connecting';
  const [word, mark] = states[state];
  const live = ['waiting', 'running', 'lost-contact'].includes(state);
  const usable = trusted && busy === undefined;
  const finished = state === 'finished' && kind === 'train';
  const resumable = kind === 'train' && ['failed', 'cancelled', 'vanished'].includes(state);
  return (
    <header class="header">
      <div class="title-row">
        <h1>{kind === 'train' ? l10n.t('Training {0}', job) : l10n.t('Server {0}', job)}</h1>
        <div class="actions">
          {live ? (
            <Button kind="primary" disabled={!usable} onClick={() => ask('cancel')}>
              {kind === 'train' ? l10n.t('Cancel') : l10n.t('Stop')}
            </Button>
          ) : null}
          {resumable ? (
            <Button kind="primary" disabled={!usable} onClick={() => ask('resume')}>
              {l10n.t('Resume')}
            </Button>
          ) : null}
          {finished && !local && snapshot.served.length === 0 ? (
            <Button kind="primary" disabled={!usable} onClick={() => ask('serve')}>
              {l10n.t('Serve')}
            </Button>
          ) : null}
          {finished ? (
            <Button disabled={!usable} onClick={() => ask('download')}>
              {l10n.t('Download')}
            </Button>
          ) : null}
        </div>
      </div>
      <p class="visually-hidden" role="status">
        {`${word}${busy === undefined ? '' : `, ${busy}`}`}
      </p>
      <dl class="facts">
        <Fact name={l10n.t('State')}>
          <span class="state">
            <Mark state={mark} />
            {word}
          </span>
          {view === undefined || view.detail === '' ? null : <span class="muted"> {view.detail}</span>}
        </Fact>
        <Fact name={l10n.t('Box')}>{box === host ? box : `${box} (${host})`}</Fact>
        {typeof view?.summary?.run === 'string' ? <Fact name={l10n.t('Run')}>{view.summary.run}</Fact> : null}
        {view?.device === undefined ? null : (
          <Fact
            name={l10n.t('Computes on')}
          >{`${view.device}${view.precision === undefined ? '' : `, ${view.precision}`}`}</Fact>
        )}
        {!live || view?.tokensPerSecond === undefined ? null : (
          <Fact name={l10n.t('Speed')}>{l10n.t('{0} tokens a second', integer(view.tokensPerSecond))}</Fact>
        )}
        {!live || view?.secondsLeft === undefined ? null : (
          <Fact name={l10n.t('Left')}>{l10n.t('about {0}', duration(view.secondsLeft))}</Fact>
        )}
      </dl>
      {busy === undefined ? null : <p class="muted">{busy} …</p>}
      {trusted ? null : (
        <p class="banner">{l10n.t('This workspace is not trusted: nothing is started or stopped from here.')}</p>
      )}
      {watched || !live ? null : <p class="banner">{l10n.t('This is how it was when it was last seen.')}</p>}
    </header>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Notes({ notes }: { readonly notes: JobView['notes'] }) {
  if (notes.length === 0) return null;
  return (
    <section class="card" aria-labelledby="notes-title">
      <h2 id="notes-title">{l10n.t('Notices')}</h2>
      <ul class="notices">
        {notes.toReversed().map(({ severity, text }, index) => (
          <li key={`${notes.length - index} ${text}`} class={severity}>
            <span>
              {severity === 'info' ? null : (
                <strong>{severity === 'error' ? l10n.t('Error:') : l10n.t('Warning:')} </strong>
              )}
              {text}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
