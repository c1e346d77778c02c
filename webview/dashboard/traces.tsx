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
      <summary>Traces</summary>
      {rows === undefined ? (
        <p class="muted">Reading the log …</p>
      ) : rows.length === 0 ? (
        <p class="muted">Nothing has been logged yet.</p>
      ) : (
        <ul>
          {rows.map((row) => (
            <li key={row.item}>
              <button type="button" class="link" onClick={() => void ask('openTrace', { item: row.item })}>
                {row.title}
              </button>
              <span class={`outcome ${row.state}`}>
                <span aria-hidden="true">{signs[row.state]} </span>
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
          Show more ({integer(total - rows.length)} left)
        </button>
      ) : null}
      {count >= 500 && total > 500 ? <p class="muted">The rest is in the AutoAct view.</p> : null}
    </details>
  );
}
