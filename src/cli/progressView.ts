import { Presets, SingleBar } from 'cli-progress';
import { outageOf } from '../core/run/outage.ts';
import { visible } from '../core/trajectory/visible.ts';
import { stageTitles, type RunStatus, type StageStatus } from '../core/run/status.ts';

const plainIntervalMs = 15_000;

/**
 * Shows a run's status on a terminal: a bar for the stage that runs, a line for each that has ended. Messages quote
 * servers and tools, and none of them may drive the terminal.
 */
export class ProgressView {
  readonly #terminal: boolean;
  readonly #write: (text: string) => void;
  readonly #ended = new Set<string>();
  #bar: { stage: string; bar: SingleBar } | undefined;
  #lastPlain = 0;
  #noticed = 0;

  constructor(terminal: boolean, write: (text: string) => void = (text) => process.stderr.write(text)) {
    this.#terminal = terminal;
    this.#write = write;
  }

  show(status: RunStatus): void {
    for (const notice of status.notices.slice(this.#noticed))
      this.#line(`  ${notice.severity === 'info' ? 'note' : notice.severity}: ${notice.message}`);
    this.#noticed = status.notices.length;
    for (const stage of status.stages) {
      if (stage.state === 'running') this.#running(stage, status);
      else if (stage.state !== 'pending' && !this.#ended.has(stage.id)) this.#end(stage);
    }
  }

  close(): void {
    this.#bar?.bar.stop();
    this.#bar = undefined;
  }

  #running(stage: StageStatus, status: RunStatus): void {
    const text = describeStage(stage, status);
    if (!this.#terminal) {
      const now = Date.parse(status.updatedAt);
      if (now - this.#lastPlain < plainIntervalMs) return;
      this.#lastPlain = now;
      this.#write(
        `  ${stageTitles[stage.id]}: ${stage.done}${stage.total > 0 ? ` of ${stage.total}` : ''}${text === '' ? '' : `, ${text}`}\n`,
      );
      return;
    }
    if (this.#bar?.stage !== stage.id) {
      this.close();
      const bar = new SingleBar(
        {
          format: `  ${stageTitles[stage.id].padEnd(22)} {bar} {value}/{total}  {text}`,
          hideCursor: true,
          barsize: 24,
          stopOnComplete: false,
          clearOnComplete: true,
          linewrap: false,
        },
        Presets.shades_classic,
      );
      bar.start(Math.max(stage.total, 1), stage.done, { text });
      this.#bar = { stage: stage.id, bar };
    }
    this.#bar.bar.setTotal(Math.max(stage.total, 1));
    this.#bar.bar.update(Math.min(stage.done, Math.max(stage.total, 1)), { text });
  }

  #end(stage: StageStatus): void {
    this.#ended.add(stage.id);
    if (this.#bar?.stage === stage.id) this.close();
    const mark = { done: '✓', failed: '✗', cancelled: '–', skipped: '·', pending: '', running: '' }[stage.state];
    const known = stage.earlier === true ? { counts: [], dropped: [] } : stage;
    const counts = known.counts.map((c) => `${c.label} ${c.value}`).join(', ');
    const dropped = known.dropped.map((d) => `${d.reason} ${d.count}`).join(', ');
    this.#line(
      `${mark} ${stageTitles[stage.id].padEnd(22)} ${formatSeconds(stage.seconds).padStart(8)}  ${counts}${dropped === '' ? '' : `; dropped: ${dropped}`}`,
    );
  }

  #line(text: string): void {
    const bar = this.#bar;
    if (bar !== undefined) this.close();
    this.#write(`${visible(text)}\n`);
  }
}

function describeStage(stage: StageStatus, status: RunStatus): string {
  const outage = outageOf(status);
  const parts: string[] = (status.servers ?? []).filter((s) => s.state !== 'waiting').map((s) => s.message);
  if (outage !== undefined)
    parts.unshift(
      `${outage.message} Start ${outage.servers.length > 1 ? 'them' : 'it'}, or stop with Ctrl+C and resume`,
    );
  if (stage.ratePerSecond !== undefined) parts.push(`${stage.ratePerSecond.toFixed(1)}/s`);
  if (stage.secondsLeft !== undefined) parts.push(`${formatSeconds(stage.secondsLeft)} left`);
  if (stage.id === 'training') {
    parts.push(
      ...status.training.flatMap((c) => {
        const last = c.points.at(-1);
        return last === undefined ? [] : [`${c.adapter} ${last.loss.toFixed(3)}`];
      }),
    );
  } else if (stage.activity !== undefined) parts.push(stage.activity);
  if (status.ledger?.cost !== undefined) parts.push(`${status.ledger.cost.toFixed(2)} spent`);
  return visible(parts.join(', '));
}

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${String(Math.round(seconds % 60)).padStart(2, '0')} s`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
