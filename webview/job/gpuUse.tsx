import * as l10n from '@vscode/l10n';
import type { JobView } from '../../src/core/box/jobView.ts';
import { LineChart } from '../kit/lineChart.tsx';
import type { Line } from '../kit/lineChart.tsx';

type Gpu = JobView['gpus'][number];

const lines: readonly Line[] = [
  { label: l10n.t('busy'), colour: '--blue', width: 2 },
  { label: l10n.t('memory'), colour: '--purple', width: 1.5, dashed: true },
];

export function GpuUse({ gpus, box }: { readonly gpus: readonly Gpu[]; readonly box: string }) {
  return (
    <section class="card" aria-labelledby="gpu-title">
      <h2 id="gpu-title">{l10n.t('GPU use')}</h2>
      {gpus.length === 0 ? (
        <p class="muted">{l10n.t('{0} shows no GPU: nvidia-smi is not there, or lists none.', box)}</p>
      ) : (
        <div class="curves">
          {gpus.map((gpu, index) => (
            <Use key={index} gpu={gpu} />
          ))}
        </div>
      )}
    </section>
  );
}

/** Percent of the time and of the memory, over the seconds before the last look. */
function Use({ gpu }: { readonly gpu: Gpu }) {
  const { name, memoryTotal, use } = gpu;
  const now = use.at(-1);
  const share = (used: number | undefined): number | null =>
    used === undefined || memoryTotal === undefined || memoryTotal === 0 ? null : (100 * used) / memoryTotal;
  const text = l10n.t(
    '{0} % busy, {1} of {2} GB taken',
    now?.busy === undefined ? '?' : Math.round(now.busy),
    gigabytes(now?.memoryUsed),
    gigabytes(memoryTotal),
  );
  return (
    <figure class="curve">
      <figcaption>
        <h3 class="gpu-name">{name}</h3>
      </figcaption>
      <LineChart
        data={[
          use.map(({ t }) => t - (now?.t ?? 0)),
          use.map(({ busy }) => busy ?? null),
          use.map(({ memoryUsed }) => share(memoryUsed)),
        ]}
        lines={lines}
        label={l10n.t('Use of {0}: {1}', name, text)}
        top={100}
        ticks={(values) => values.map(ago)}
      />
      <p class="muted curve-text">{text}</p>
      <p class="legend" aria-hidden="true">
        <span class="train">{l10n.t('busy, %')}</span>
        <span class="held">{l10n.t('memory, %')}</span>
      </p>
    </figure>
  );
}

const gigabytes = (mebibytes: number | undefined): string =>
  mebibytes === undefined ? '?' : ((mebibytes * 1.048576) / 1000).toFixed(1);

function ago(seconds: number): string {
  if (Math.round(seconds) === 0) return l10n.t('now');
  const back = -seconds;
  return back < 120 ? l10n.t('−{0} s', Math.round(back)) : l10n.t('−{0} min', Number((back / 60).toFixed(1)));
}
