import * as l10n from '@vscode/l10n';
import { outageOf } from '../../src/core/run/outage.ts';
import type { DashboardSnapshot } from '../../src/protocol/dashboard.ts';
import { Problem } from '../kit/problem.tsx';
import { Button } from '../kit/ui/controls.tsx';
import { useAsk } from './context.ts';

/** A server does not answer: since when, what to do, and the way out. */
export function Waiting({ snapshot }: { readonly snapshot: DashboardSnapshot }) {
  const ask = useAsk();
  const outage = snapshot.status === undefined ? undefined : outageOf(snapshot.status);
  if (outage === undefined) return null;
  return (
    <Problem
      problem={outage}
      actions={
        <div class="actions">
          <Button onClick={() => void ask('doctor', null)}>{l10n.t('Doctor')}</Button>
          <Button disabled={snapshot.runner.state === 'cancelling'} onClick={() => void ask('cancel', null)}>
            {l10n.t('Stop')}
          </Button>
        </div>
      }
    />
  );
}
