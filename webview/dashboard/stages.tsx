import * as l10n from '@vscode/l10n';
import { useState } from 'preact/hooks';
import type { RunStatus, StageStatus } from '../../src/core/run/status.ts';
import { stageName } from '../../src/protocol/words.ts';
import { duration, integer, rate } from '../kit/format.ts';
import { useAsk } from './context.ts';
import { DroppedList } from './dropped.tsx';
import { Mark } from '../kit/mark.tsx';
import { TraceList } from './traces.tsx';

const stateText: Readonly<Record<StageStatus['state'], string>> = {
  pending: l10n.t('waiting'),
  running: l10n.t('running'),
  done: l10n.t('done'),
  failed: l10n.t('failed'),
  cancelled: l10n.t('stopped'),
  skipped: l10n.t('skipped'),
};
const withTraces = new Set(['selfInstruct', 'toolSelection', 'synthesis', 'evaluation']);

export function Stages({ status, canRun }: { readonly status: RunStatus; readonly canRun: boolean }) {
  return (
    <section class="card" aria-labelledby="stages-title">
      <h2 id="stages-title">{l10n.t('Stages')}</h2>
      <ol class="stages">
        {status.stages.map((stage) => (
          <Stage key={stage.id} stage={stage} canRun={canRun} />
        ))}
      </ol>
    </section>
  );
}

function Stage({ stage, canRun }: { readonly stage: StageStatus; readonly canRun: boolean }) {
  const ask = useAsk();
  const [reason, setReason] = useState<string>();
  const title = stageName(stage.id);
  const share = stage.total > 0 ? Math.min(1, stage.done / stage.total) : 0;
  const begun = stage.state !== 'pending' && stage.state !== 'skipped';
  return (
    <li class={`stage ${stage.state}`}>
      <span class="rail">
        <Mark state={stage.state} />
      </span>
      <div class="stage-body">
        <div class="stage-head">
          <h3>{title}</h3>
          <span class="stage-state">
            {stateText[stage.state]}
            {begun && stage.seconds >= 1 ? `, ${duration(stage.seconds)}` : ''}
          </span>
          {canRun ? (
            <button
              type="button"
              class="link run-stage"
              onClick={() => void ask('start', { stage: stage.id })}
              aria-label={l10n.t('Run {0} only', title)}
            >
              {l10n.t('Run')}
            </button>
          ) : null}
        </div>
        {begun && stage.state !== 'done' ? <Progress stage={stage} title={title} share={share} /> : null}
        {stage.earlier === true ? (
          <p class="muted">{l10n.t('Figures of the last time that this stage was done:')}</p>
        ) : null}
        {stage.id === 'toolSelection' && stage.counts.length > 0 ? (
          // The counts of this stage are ranks.
          <p>
            {[...stage.counts]
              .sort((a, b) => a.value - b.value)
              .map(({ label }) => label)
              .join(', ')}
          </p>
        ) : stage.counts.length === 0 ? null : (
          <dl class="counts">
            {stage.counts.map(({ label, value }) => (
              <div key={label}>
                <dd>{integer(value)}</dd>
                <dt>{label}</dt>
              </div>
            ))}
          </dl>
        )}
        {stage.dropped.length === 0 ? null : (
          <div class="dropped">
            <span class="muted">{l10n.t('Dropped:')}</span>
            <ul>
              {stage.dropped.map((each) => (
                <li key={each.reason}>
                  <button
                    type="button"
                    class="chip"
                    aria-expanded={reason === each.reason}
                    onClick={() => {
                      setReason(reason === each.reason ? undefined : each.reason);
                    }}
                  >
                    <strong>{integer(each.count)}</strong> {each.reason}
                  </button>
                </li>
              ))}
            </ul>
            {reason === undefined ? null : <DroppedList key={reason} stage={stage.id} reason={reason} />}
          </div>
        )}
        {stage.error === undefined ? null : (
          <p class="stage-error">
            {stage.error.message} {stage.error.remedy}
          </p>
        )}
        {begun && withTraces.has(stage.id) ? (
          <TraceList stage={stage.id} version={`${stage.done}/${stage.state}`} />
        ) : null}
      </div>
    </li>
  );
}

function Progress({
  stage,
  title,
  share,
}: {
  readonly stage: StageStatus;
  readonly title: string;
  readonly share: number;
}) {
  const live = stage.state === 'running';
  const unknown = live && stage.total === 0;
  const parts = [
    stage.total > 0 ? l10n.t('{0} of {1}', integer(stage.done), integer(stage.total)) : undefined,
    live && stage.ratePerSecond !== undefined && stage.ratePerSecond > 0 ? rate(stage.ratePerSecond) : undefined,
    live && stage.secondsLeft !== undefined ? l10n.t('about {0} left', duration(stage.secondsLeft)) : undefined,
    live ? stage.activity : undefined,
  ].filter((part) => part !== undefined);
  return (
    <>
      <div
        class={unknown ? 'bar unknown' : 'bar'}
        role="progressbar"
        aria-label={title}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(unknown ? {} : { 'aria-valuenow': Math.floor(share * 100) })}
      >
        <span style={{ width: unknown ? '100%' : `${share * 100}%` }} />
      </div>
      {parts.length === 0 ? null : <p class="progress-text">{parts.join(' · ')}</p>}
    </>
  );
}
