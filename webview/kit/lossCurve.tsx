import * as l10n from '@vscode/l10n';
import type uPlot from 'uplot';
import type { TrainingCurve } from '../../src/core/run/trainingCurve.ts';
import { integer } from './format.ts';
import { LineChart } from './lineChart.tsx';
import type { Line } from './lineChart.tsx';

const lines: readonly Line[] = [
  { label: l10n.t('each step'), colour: '--blue', width: 1, faint: true },
  { label: l10n.t('train'), colour: '--blue', width: 2 },
  { label: l10n.t('held-out'), colour: '--purple', width: 1.5, dashed: true, dots: true },
];

/** Loss of a single step says little: a step is a few examples. Shown are trailing means over a twentieth of the run. */
function smooth(curve: TrainingCurve): { step: number; loss: number }[] {
  const width = Math.max(1, Math.round(curve.points.length / 20));
  let sum = 0;
  return curve.points.map(({ step, loss }, index) => {
    sum += loss - (curve.points[index - width]?.loss ?? 0);
    return { step, loss: sum / Math.min(width, index + 1) };
  });
}

function summary(curve: TrainingCurve): string {
  const means = smooth(curve);
  const first = means[Math.min(means.length - 1, Math.round(means.length / 20))];
  const last = means.at(-1);
  const heldOut = curve.heldOut.at(-1);
  if (first === undefined || last === undefined) return l10n.t('no step yet');
  const done =
    curve.steps > 0
      ? l10n.t('step {0} of {1}', integer(last.step), integer(curve.steps))
      : l10n.t('step {0}', integer(last.step));
  const [from, to] = [first.loss.toFixed(3), last.loss.toFixed(3)];
  return heldOut === undefined
    ? l10n.t('{0}: loss {1} to {2}', done, from, to)
    : l10n.t('{0}: loss {1} to {2}, held-out {3}', done, from, to, heldOut.loss.toFixed(3));
}

export function LossCurve({ curve }: { readonly curve: TrainingCurve }) {
  const text = summary(curve);
  return (
    <figure class="curve">
      <figcaption>
        <h3>{curve.adapter}</h3>
        {curve.probe === undefined ? null : (
          <span class={curve.probe.ok ? 'badge good' : 'badge bad'} title={curve.probe.message}>
            {curve.probe.ok ? l10n.t('✓ loaded and verified') : l10n.t('✗ probe failed: {0}', curve.probe.message)}
          </span>
        )}
      </figcaption>
      <LineChart
        data={dataOf(curve)}
        lines={lines}
        label={l10n.t('Loss of the {0} adapter, {1}', curve.adapter, text)}
      />
      <p class="muted curve-text">{text}</p>
      <p class="legend" aria-hidden="true">
        <span class="train">{l10n.t('train')}</span>
        <span class="held">{l10n.t('held-out')}</span>
      </p>
    </figure>
  );
}

/** The series on one axis of steps, as uPlot wants them. */
function dataOf(curve: TrainingCurve): uPlot.AlignedData {
  const steps = [...new Set([...curve.points.map((p) => p.step), ...curve.heldOut.map((p) => p.step)])].sort(
    (a, b) => a - b,
  );
  const train = new Map(curve.points.map((p) => [p.step, p.loss]));
  const held = new Map(curve.heldOut.map((p) => [p.step, p.loss]));
  const mean = new Map(smooth(curve).map((p) => [p.step, p.loss]));
  const at = (values: ReadonlyMap<number, number>): (number | null)[] => steps.map((step) => values.get(step) ?? null);
  return [steps, at(train), at(mean), at(held)];
}
