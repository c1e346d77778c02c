import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

export interface Line {
  readonly label: string;
  /** Name of a custom property with a colour. */
  readonly colour: string;
  readonly width: number;
  /** Drawn behind the others. */
  readonly faint?: boolean;
  readonly dashed?: boolean;
  /** A dot at each value. */
  readonly dots?: boolean;
}

export interface LineChartProps {
  /** The horizontal axis, then the values of each line. */
  readonly data: uPlot.AlignedData;
  readonly lines: readonly Line[];
  /** What is said to whoever does not see it. */
  readonly label: string;
  readonly height?: number;
  /** Upper end of the vertical axis; as high as the values when left out. */
  readonly top?: number;
  /** Words for the values of the horizontal axis. */
  readonly ticks?: (values: readonly number[]) => string[];
}

/** A value of the theme as the canvas takes it: variables and mixtures are computed by an element. */
function computed(element: HTMLElement, colour: string): string {
  const probe = document.createElement('span');
  element.append(probe);
  probe.style.color = colour;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function options(element: HTMLElement, width: number, props: LineChartProps): uPlot.Options {
  const { lines, height = 140, top, ticks } = props;
  const font = `11px ${getComputedStyle(element).fontFamily}`;
  const axis: uPlot.Axis = {
    stroke: computed(element, 'var(--muted)'),
    font,
    grid: { stroke: computed(element, 'var(--track)'), width: 1 },
    ticks: { show: false },
  };
  const range: uPlot.Range.Function = (_chart, _low, high) => [0, top ?? (Number.isFinite(high) ? high * 1.05 : 1)];
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false }, y: { range } },
    axes: [
      { ...axis, size: 22, space: 60, ...(ticks === undefined ? {} : { values: (_chart, values) => ticks(values) }) },
      { ...axis, size: 38, space: 30 },
    ],
    series: [
      {},
      ...lines.map(({ label, colour, width: stroke, faint = false, dashed = false, dots = false }): uPlot.Series => {
        const plain = computed(element, `var(${colour})`);
        return {
          label,
          stroke: faint ? computed(element, `color-mix(in srgb, var(${colour}) 35%, transparent)`) : plain,
          width: stroke,
          spanGaps: true,
          ...(dashed ? { dash: [5, 4] } : {}),
          points: dots ? { show: true, size: 6, fill: plain } : { show: false },
        };
      }),
    ],
  };
}

export function LineChart(props: LineChartProps) {
  const { data, label, height = 140 } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const widthOf = (): number => Math.max(120, Math.floor(element.clientWidth));
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, widthOf(), latest.current), latest.current.data, element);
    };
    draw();
    const sizes = new ResizeObserver(() => {
      const width = widthOf();
      if (plot.current !== undefined && plot.current.width !== width) plot.current.setSize({ width, height });
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
  }, [height]);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return <div class="chart" ref={box} role="img" aria-label={label} />;
}
