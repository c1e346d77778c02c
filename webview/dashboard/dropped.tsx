import * as l10n from '@vscode/l10n';
import { useEffect, useState } from 'preact/hooks';
import type { StageId } from '../../src/core/run/status.ts';
import type { DroppedThing } from '../../src/protocol/dashboard.ts';
import { integer } from '../kit/format.ts';
import { useAsk } from './context.ts';

/** What a stage dropped for one reason, each with a way to its provenance. */
export function DroppedList({ stage, reason }: { readonly stage: StageId; readonly reason: string }) {
  const ask = useAsk();
  const [rows, setRows] = useState<readonly DroppedThing[]>();
  const [total, setTotal] = useState(0);
  const load = async (offset: number): Promise<void> => {
    const answer = await ask('listDropped', { stage, reason, offset });
    if (answer === undefined) return;
    setRows((known) => (offset === 0 ? answer.rows : [...(known ?? []), ...answer.rows]));
    setTotal(answer.total);
  };
  useEffect(() => {
    void load(0);
  }, [stage, reason]);
  if (rows === undefined) return <p class="muted">{l10n.t('Reading the log …')}</p>;
  if (rows.length === 0) return <p class="muted">{l10n.t('The log has no entry for this reason yet.')}</p>;
  return (
    <div class="dropped-list" role="region" aria-label={l10n.t('Dropped: {0}', reason)} tabIndex={0}>
      <ul>
        {rows.map((row, index) => (
          <li key={`${row.item}/${index}`}>
            <span class="dropped-text">{row.text}</span>
            <button
              type="button"
              class="link"
              onClick={() => void ask('showProvenance', { item: row.item })}
              aria-label={l10n.t('Provenance of {0}', row.item)}
            >
              {l10n.t('Provenance')}
            </button>
          </li>
        ))}
      </ul>
      {rows.length < total ? (
        <button type="button" class="link" onClick={() => void load(rows.length)}>
          {l10n.t('Show more ({0} left)', integer(total - rows.length))}
        </button>
      ) : null}
    </div>
  );
}
