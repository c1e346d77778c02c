import * as l10n from '@vscode/l10n';
import { useEffect, useState } from 'preact/hooks';
import type { StageId } from '../../src/core/run/status.ts';
import type { TraceRow } from '../../src/protocol/dashboard.ts';
import { integer } from '../kit/format.ts';
import { useAsk } from './context.ts';

const pageSize = 50;

const signs: Readonly<Record<TraceRow['state'], string>> = {
  open: '…',
  right: '✓',
  wrong: '✗',
  finished: '•',
  failed: '!',
  dropped: '–',
};
const signOfEarlier = '↺';

/** A stage's trajectories; read when opened, and read again as the stage goes on. */
export function TraceList({ stage, version }: { readonly stage: StageId; readonly version: string }) {
  const ask = useAsk();
  const [open, setOpen] = useState(false);
  const [count, setCount] = useState(pageSize);
  const [rows, setRows] = useState<readonly TraceRow[]>();
  const [total, setTotal] = useState(0);
  useEffect(() => {
    if (!open) return undefined;
    let current = true;
    const timer = setTimeout(
      () => {
        void ask('listTraces', { stage, offset: 0, count: Math.min(count, 500) }).then((answer) => {
          if (answer === undefined || !current) return;
          setRows(answer.rows);
          setTotal(answer.total);
        });
      },
      rows === undefined ? 0 : 1000,
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [open, count, stage, version]);
  return (
    <details
      class="traces"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{l10n.t('Traces')}</summary>
      {rows?.some(({ earlier }) => earlier === true) === true ? (
        <p class="muted">{l10n.t('Those marked “before” are of the last time that this stage was done.')}</p>
      ) : null}
      {rows === undefined ? (
        <p class="muted">{l10n.t('Reading the log …')}</p>
      ) : rows.length === 0 ? (
        <p class="muted">{l10n.t('Nothing has been logged yet.')}</p>
      ) : (
        <ul>
          {rows.map((row) => (
            <li key={row.item}>
              <button type="button" class="link" onClick={() => void ask('openTrace', { item: row.item })}>
                {row.title}
              </button>
              <button
                type="button"
                class="link"
                aria-label={l10n.t('Debug {0}', row.title)}
                onClick={() => void ask('debugTrace', { item: row.item })}
              >
                {l10n.t('Debug')}
              </button>
              <span class={`outcome ${row.earlier === true ? 'finished' : row.state}`}>
                <span aria-hidden="true">{row.earlier === true ? signOfEarlier : signs[row.state]} </span>
                {row.outcome}
              </span>
            </li>
          ))}
        </ul>
      )}
      {rows !== undefined && rows.length < total && count < 500 ? (
        <button
          type="button"
          class="link"
          onClick={() => {
            setCount(count + 100);
          }}
        >
          {l10n.t('Show more ({0} left)', integer(total - rows.length))}
        </button>
      ) : null}
      {count >= 500 && total > 500 ? <p class="muted">{l10n.t('The rest is in the AutoAct view.')}</p> : null}
    </details>
  );
}
