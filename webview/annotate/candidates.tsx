import * as l10n from '@vscode/l10n';
import type { ShownItem } from '../../src/protocol/annotate.ts';
import { letterOf } from './keys.ts';
import { StepList, StepText } from './steps.tsx';

interface Props {
  readonly item: ShownItem;
  /** Which one is shown where there is room for one only. */
  readonly shown: number;
  readonly setShown: (position: number) => void;
  readonly unfolded: boolean;
}

/** Candidates side by side where there is room, else one at a time under tabs. */
export function Candidates({ item, shown, setShown, unfolded }: Props) {
  return (
    <section class="candidates" aria-label={l10n.t('Trajectories')}>
      <div class="tabs" role="group" aria-label={l10n.t('Which trajectory is shown')}>
        {item.candidates.map(({ steps }, i) => (
          <button
            key={i}
            type="button"
            class="tab"
            aria-pressed={shown === i}
            onClick={() => {
              setShown(i);
            }}
          >
            {letterOf(i)}
            <span class="muted"> {l10n.t('{0} steps', steps.length)}</span>
          </button>
        ))}
      </div>
      <div class="columns">
        {item.candidates.map(({ steps, finished }, i) => (
          <article
            key={i}
            class={shown === i ? 'candidate shown' : 'candidate'}
            aria-label={l10n.t('Trajectory {0}', letterOf(i))}
          >
            <h3>{letterOf(i)}</h3>
            <StepList label={l10n.t('Steps of trajectory {0}', letterOf(i))}>
              {steps.map((step, n) => (
                <li key={n}>
                  <StepText step={step} unfolded={unfolded} />
                </li>
              ))}
            </StepList>
            {finished ? null : <p class="continued">{l10n.t('It was stopped before it came to an end.')}</p>}
          </article>
        ))}
      </div>
    </section>
  );
}
