import * as l10n from '@vscode/l10n';
import type { RunStatus } from '../../src/core/run/status.ts';
import { LossCurve } from '../kit/lossCurve.tsx';

export function Training({ status }: { readonly status: RunStatus }) {
  return (
    <section class="card" aria-labelledby="training-title">
      <h2 id="training-title">{l10n.t('Training')}</h2>
      {status.training.length === 0 ? (
        <p class="muted">
          {l10n.t('Losses of the plan, tool and reflect adapters appear when self-differentiation begins.')}
        </p>
      ) : (
        <div class="curves">
          {status.training.map((curve) => (
            <LossCurve key={curve.adapter} curve={curve} />
          ))}
        </div>
      )}
    </section>
  );
}
