import * as z from 'zod';
import { TrainingCurve } from '../run/trainingCurve.ts';
import type { BoxStatus } from './boxStatus.ts';
import { JobSummary, readGpuAfter } from './boxStatus.ts';
import type { JobEvent } from './jobEvents.ts';

/** Everything that is known of one job, as a view shows it. Complete each time: one that is lost costs nothing. */
export const JobView = z.object({
  state: z.enum(['connecting', 'waiting', 'running', 'lost-contact', 'finished', 'failed', 'cancelled', 'vanished']),
  /** The state in words: place in the queue, exit code, what a queue says of its end. */
  detail: z.string(),
  summary: JobSummary.optional(),
  curves: z.array(TrainingCurve),
  /** What it computes on, and how fast: known once the trainer has started. */
  device: z.string().optional(),
  precision: z.string().optional(),
  tokensPerSecond: z.number().optional(),
  secondsLeft: z.number().optional(),
  notes: z.array(z.object({ severity: z.enum(['info', 'warning', 'error']), text: z.string() })),
  /** Of the whole machine: others may compute there too. */
  gpus: z.array(
    z.object({
      name: z.string(),
      /** MiB. */
      memoryTotal: z.number().optional(),
      /** By the box's clock, in seconds; `busy` in percent, memory in MiB. */
      use: z.array(z.object({ t: z.number(), busy: z.number().optional(), memoryUsed: z.number().optional() })),
    }),
  ),
  /** The end of its log; `logCut` when there is more before it. */
  log: z.string(),
  logCut: z.boolean(),
});
export type JobView = z.infer<typeof JobView>;

/** `autoact jobs watch --json`. */
export const JobViewEvent = z.object({ type: z.literal('job'), box: z.string(), job: z.string(), view: JobView });
export type JobViewEvent = z.infer<typeof JobViewEvent>;

/** What a follower tells of a job that goes on, and how one ended. */
export type WatchedState =
  | { readonly state: 'running' }
  | { readonly state: 'waiting'; readonly reason: string; readonly position?: number; readonly startsAt?: string }
  | { readonly state: 'lost-contact'; readonly since: number }
  | { readonly state: 'finished'; readonly exit: { readonly rc: number; readonly oom: boolean } }
  | { readonly state: 'cancelled' }
  | { readonly state: 'vanished'; readonly how?: string };

const limits = { points: 1500, notes: 30, uses: 720, log: 64_000 };

/** Puts a job's view together from what arrives of it. */
export class JobViewBuilder {
  #state: JobView['state'] = 'connecting';
  #detail = '';
  #summary: JobSummary | undefined;
  readonly #curves = new Map<string, Curve>();
  #device: Pick<JobView, 'device' | 'precision'> = {};
  #speed: Pick<JobView, 'tokensPerSecond' | 'secondsLeft'> = {};
  #notes: JobView['notes'] = [];
  #gpus: JobView['gpus'] = [];
  #log = '';
  #logCut = false;

  event(event: JobEvent): void {
    switch (event.type) {
      case 'start':
        this.#device = { device: event.device, precision: event.precision };
        for (const [name, { steps, resumedAt }] of Object.entries(event.adapters)) {
          this.#curve(name, steps).rewind(resumedAt);
          if (resumedAt > 0) this.#note('info', `${name} goes on from step ${resumedAt}`);
        }
        return;
      case 'step':
        this.#curve(event.adapter, event.steps).step(event.step, event.loss);
        this.#speed = {
          ...(event.tokensPerSecond === undefined ? {} : { tokensPerSecond: event.tokensPerSecond }),
          ...(event.secondsLeft === undefined ? {} : { secondsLeft: event.secondsLeft }),
        };
        return;
      case 'eval':
        this.#curve(event.adapter, event.steps).held(event.step, event.loss);
        return;
      case 'measured':
        this.#note('info', `dry run: ${(event.peakBytes / 1e9).toFixed(1)} GB of memory at most`);
        return;
      case 'warning':
      case 'error':
        this.#note(event.type, event.adapter === undefined ? event.message : `${event.adapter}: ${event.message}`);
        return;
      case 'progress':
      case 'stopped':
        this.#note('info', event.message);
        return;
      case 'done':
        this.#note('info', `done in ${Math.round(event.seconds)} s`);
        return;
      default:
    }
  }

  state(now: WatchedState): void {
    this.#state = now.state === 'finished' && now.exit.rc !== 0 ? 'failed' : now.state;
    this.#detail = detailOf(now);
    // A box that answers again has not told its speed anew.
    if (this.#state !== 'running' && this.#state !== 'lost-contact') this.#speed = {};
  }

  status(status: BoxStatus, job: string): void {
    this.#summary = status.jobs.find(({ id }) => id === job);
    this.#gpus = status.gpus.map(({ name, memoryTotal, memoryUsed, busy }, index) => ({
      name,
      ...(typeof memoryTotal === 'number' ? { memoryTotal } : {}),
      use: [
        ...(this.#gpus[index]?.use ?? []),
        {
          t: status.now,
          ...(typeof busy === 'number' ? { busy } : {}),
          ...(typeof memoryUsed === 'number' ? { memoryUsed } : {}),
        },
      ].slice(-limits.uses),
    }));
  }

  /** `anew`: the text does not go on where the last one ended. */
  log(text: string, anew: boolean): void {
    const whole = anew ? text : this.#log + text;
    this.#logCut = anew ? false : this.#logCut;
    if (whole.length > limits.log) {
      this.#logCut = true;
      const from = whole.indexOf('\n', whole.length - limits.log);
      this.#log = whole.slice(from < 0 ? -limits.log : from + 1);
    } else this.#log = whole;
  }

  /** The log's beginning was left out. */
  logBeginsLater(): void {
    this.#logCut = true;
  }

  view(): JobView {
    const gpu = this.#summary?.gpu;
    const notes =
      typeof gpu === 'string' && this.#state !== 'running' ? [...this.#notes, noteOfGpu(gpu)] : [...this.#notes];
    return {
      state: this.#state,
      detail: this.#detail,
      ...(this.#summary === undefined ? {} : { summary: this.#summary }),
      curves: [...this.#curves].map(([adapter, curve]) => curve.shown(adapter)),
      ...this.#device,
      ...(this.#state === 'running' ? this.#speed : {}),
      notes,
      gpus: this.#gpus,
      log: this.#log,
      logCut: this.#logCut,
    };
  }

  #curve(name: string, steps: number): Curve {
    const found = this.#curves.get(name) ?? new Curve();
    found.steps = steps;
    this.#curves.set(name, found);
    return found;
  }

  #note(severity: JobView['notes'][number]['severity'], text: string): void {
    this.#notes = [...this.#notes, { severity, text }].slice(-limits.notes);
  }
}

function noteOfGpu(gpu: string): JobView['notes'][number] {
  const { state, message } = readGpuAfter(gpu);
  return { severity: state === 'held' ? 'error' : 'info', text: message };
}

function detailOf(now: WatchedState): string {
  switch (now.state) {
    case 'waiting': {
      const place = now.position === undefined ? '' : `number ${now.position} in the queue, `;
      const start = now.startsAt === undefined ? '' : `, expected to begin at ${now.startsAt.replace('T', ' ')}`;
      return `${place}${now.reason}${start}`;
    }
    case 'lost-contact':
      return 'the box does not answer; the job goes on there';
    case 'finished':
      return now.exit.rc === 0 ? '' : now.exit.oom ? 'it ran out of memory' : `exit code ${now.exit.rc}`;
    case 'vanished':
      return `killed, or the machine was restarted${now.how === undefined ? '' : ` (Slurm: ${now.how})`}; it can go on from its last checkpoint`;
    case 'running':
    case 'cancelled':
      return '';
  }
}

/** A loss curve of bounded length: when it is full, every second point goes. */
class Curve {
  steps = 0;
  #points: { step: number; loss: number }[] = [];
  #held: { step: number; loss: number }[] = [];
  #every = 1;

  /** Steps behind a checkpoint are done again. */
  rewind(step: number): void {
    this.#points = this.#points.filter((point) => point.step <= step);
    this.#held = this.#held.filter((point) => point.step <= step);
  }

  step(step: number, loss: number): void {
    if (step % this.#every !== 0 && step !== this.steps) return;
    this.#points.push({ step, loss });
    if (this.#points.length < limits.points) return;
    this.#every *= 2;
    this.#points = this.#points.filter((point) => point.step % this.#every === 0);
  }

  held(step: number, loss: number): void {
    this.#held.push({ step, loss });
    if (this.#held.length > limits.points) this.#held.shift();
  }

  shown(adapter: string): TrainingCurve {
    return { adapter, steps: this.steps, points: this.#points, heldOut: this.#held };
  }
}
