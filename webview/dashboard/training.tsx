import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { RunStatus, TrainingCurve } from '../../src/core/run/status.ts';
import { integer } from '../kit/format.ts';

const chartHeight = 140;

export function Training({ status }: { readonly status: RunStatus }) {
  return (
    <section class="card" aria-labelledby="training-title">
      <h2 id="training-title">Training</h2>
      {status.training.length === 0 ? (
        <p class="muted">Losses of the plan, tool and reflect adapters appear when self-differentiation begins.</p>
      ) : (
        <div class="curves">
          {status.training.map((curve) => (
            <Curve key={curve.adapter} curve={curve} />
          ))}
        </div>
      )}
    </section>
  );
}

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
  if (first === undefined || last === undefined) return 'no step yet';
  const done = curve.steps > 0 ? `step ${integer(last.step)} of ${integer(curve.steps)}` : `step ${integer(last.step)}`;
  return `${done}: loss ${first.loss.toFixed(3)} to ${last.loss.toFixed(3)}${heldOut === undefined ? '' : `, held-out ${heldOut.loss.toFixed(3)}`}`;
}

function Curve({ curve }: { readonly curve: TrainingCurve }) {
  const text = summary(curve);
  return (
    <figure class="curve">
      <figcaption>
        <h3>{curve.adapter}</h3>
        {curve.probe === undefined ? null : (
          <span class={curve.probe.ok ? 'badge good' : 'badge bad'} title={curve.probe.message}>
            {curve.probe.ok ? '✓ loaded and verified' : `✗ probe failed: ${curve.probe.message}`}
          </span>
        )}
      </figcaption>
      <Chart curve={curve} label={`Loss of the ${curve.adapter} adapter, ${text}`} />
      <p class="muted curve-text">{text}</p>
      <p class="legend" aria-hidden="true">
        <span class="train">train</span>
        <span class="held">held-out</span>
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

function colour(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim() || 'gray';
}

function options(element: HTMLElement, width: number): uPlot.Options {
  const probe = document.createElement('span');
  element.append(probe);
  probe.style.color = 'var(--muted)';
  const text = getComputedStyle(probe).color;
  probe.style.color = 'var(--track)';
  const grid = getComputedStyle(probe).color;
  probe.style.color = 'color-mix(in srgb, var(--blue) 35%, transparent)';
  const faint = getComputedStyle(probe).color;
  probe.remove();
  const font = `11px ${getComputedStyle(element).fontFamily}`;
  const axis: uPlot.Axis = { stroke: text, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return {
    width,
    height: chartHeight,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false }, y: { range: (_chart, _low, high) => [0, Number.isFinite(high) ? high * 1.05 : 1] } },
    axes: [
      { ...axis, size: 22, space: 60 },
      { ...axis, size: 38, space: 30 },
    ],
    series: [
      {},
      { label: 'each step', stroke: faint, width: 1, spanGaps: true, points: { show: false } },
      { label: 'train', stroke: colour(element, '--blue'), width: 2, spanGaps: true, points: { show: false } },
      {
        label: 'held-out',
        stroke: colour(element, '--purple'),
        width: 1.5,
        dash: [5, 4],
        spanGaps: true,
        points: { show: true, size: 6, fill: colour(element, '--purple') },
      },
    ],
  };
}

function Chart({ curve, label }: { readonly curve: TrainingCurve; readonly label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(curve);
  latest.current = curve;
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      const width = Math.max(120, Math.floor(element.clientWidth));
      plot.current = new uPlot(options(element, width), dataOf(latest.current), element);
    };
    draw();
    const sizes = new ResizeObserver(() => {
      const width = Math.max(120, Math.floor(element.clientWidth));
      if (plot.current !== undefined && plot.current.width !== width)
        plot.current.setSize({ width, height: chartHeight });
    });
    sizes.observe(element);
    // The editor changes the body's class with the theme; the canvas has the old colours in it.
    const themes = new MutationObserver(draw);
    themes.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-kind'] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(dataOf(curve));
  }, [curve]);
  return <div class="chart" ref={box} role="img" aria-label={label} />;
}
