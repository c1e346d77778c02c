import {
  stageIds,
  type RunStatus,
  type ServerStatus,
  type StageId,
  type StageStatus,
  type SystemScore,
} from '../run/status.ts';
import type { LedgerStatus } from '../run/ledger.ts';
import type { TrainingCurve } from '../run/trainingCurve.ts';
import { RateMeter } from '../run/progress.ts';

const publishIntervalMs = 250;
/** Enough for a curve on a screen; more points are thinned out by keeping every second one. */
const maxCurvePoints = 600;

export interface StatusStart {
  readonly run: string;
  readonly task: string;
  readonly taskFile: string;
  readonly mode: 'fixed' | 'reference';
  readonly seed: number;
  readonly metric: string;
  readonly roles: RunStatus['roles'];
  readonly pid: number;
}

/** Keeps the run's status and publishes whole snapshots of it, at most four a second. */
export class StatusTracker {
  readonly #now: () => number;
  readonly #publish: (status: RunStatus) => void;
  readonly #status: RunStatus;
  readonly #meters = new Map<StageId, RateMeter>();
  readonly #began = new Map<StageId, { at: number; before: number }>();
  #lastPublished = 0;

  constructor(start: StatusStart, now: () => number, publish: (status: RunStatus) => void, earlier?: RunStatus) {
    this.#now = now;
    this.#publish = publish;
    const iso = new Date(now()).toISOString();
    const before = new Map(earlier?.stages.map((s) => [s.id, s]));
    const results = earlier?.results ?? [];
    this.#status = {
      version: 1,
      ...start,
      state: 'running',
      startedAt: earlier?.startedAt ?? iso,
      updatedAt: iso,
      stages: stageIds.map((id) => ({
        id,
        state: 'pending',
        done: 0,
        total: 0,
        seconds: before.get(id)?.seconds ?? 0,
        ...doneBefore(before.get(id), iso),
      })),
      training: earlier?.training ?? [],
      results,
      ...(results.length === 0 ? {} : { earlierResults: true }),
      calls: earlier?.calls ?? 0,
      promptTokens: earlier?.promptTokens ?? 0,
      completionTokens: earlier?.completionTokens ?? 0,
      ...(earlier?.ledger === undefined ? {} : { ledger: earlier.ledger }),
      notices: [],
    };
  }

  get snapshot(): RunStatus {
    return structuredClone(this.#status);
  }

  stage(id: StageId): StageStatus {
    const found = this.#status.stages.find((s) => s.id === id);
    if (found === undefined) throw new RangeError(`There is no stage "${id}".`);
    return found;
  }

  begin(id: StageId, total: number, activity?: string): void {
    const stage = this.stage(id);
    if (stage.state !== 'running') this.#began.set(id, { at: this.#now(), before: stage.seconds });
    Object.assign(stage, { state: 'running', done: 0, total });
    delete stage.error;
    this.setActivity(id, activity);
    this.#meters.set(id, new RateMeter());
    this.#changed(true);
  }

  setActivity(id: StageId, activity: string | undefined): void {
    const stage = this.stage(id);
    if (activity === undefined) delete stage.activity;
    else stage.activity = activity;
    this.#changed();
  }

  /** Sets how much is done; `live` items count towards the rate, replayed ones do not. */
  progress(id: StageId, done: number, live = true): void {
    const stage = this.stage(id);
    const now = this.#now();
    stage.done = done;
    stage.seconds = this.#secondsOf(id, now);
    const meter = this.#meters.get(id);
    if (live && meter !== undefined) {
      meter.add(now);
      const rate = meter.rate(now);
      const left = meter.secondsLeft(now, stage.total - done);
      if (rate !== undefined) stage.ratePerSecond = rate;
      if (left !== undefined) stage.secondsLeft = left;
    }
    this.#changed();
  }

  /** A time left that the stage knows better than its rate does, in seconds. */
  secondsLeft(id: StageId, seconds: number): void {
    this.stage(id).secondsLeft = seconds;
    this.#changed();
  }

  counts(
    id: StageId,
    counts: Readonly<Record<string, number>>,
    dropped?: Readonly<Record<string, number | undefined>>,
  ): void {
    const stage = this.stage(id);
    if (stage.earlier === true) forget(stage);
    stage.counts = Object.entries(counts).map(([label, value]) => ({ label, value }));
    if (dropped !== undefined) {
      stage.dropped = Object.entries(dropped).flatMap(([reason, count]) =>
        count === undefined || count === 0 ? [] : [{ reason, count }],
      );
    }
    this.#changed();
  }

  end(id: StageId, state: 'done' | 'failed' | 'cancelled' | 'skipped', error?: StageStatus['error']): void {
    const stage = this.stage(id);
    stage.state = state;
    if (state === 'done' && stage.earlier === true) forget(stage); // It counted nothing this time.
    if (state === 'done') delete stage.again;
    stage.seconds = this.#secondsOf(id, this.#now());
    delete stage.secondsLeft;
    delete stage.activity;
    if (error !== undefined) stage.error = error;
    this.#began.delete(id);
    this.#changed(true);
  }

  addUsage(promptTokens: number, completionTokens: number): void {
    this.#status.calls++;
    this.#status.promptTokens += promptTokens;
    this.#status.completionTokens += completionTokens;
  }

  ledger(ledger: LedgerStatus): void {
    this.#status.ledger = ledger;
    this.#changed();
  }

  /**
   * A server is waited for, is asked again, or answers as it should. Beginning and end of an outage are noted, once for
   * all names that one program is asked by.
   * @param patienceMs how long it is waited for in all
   * @param address where it is asked
   */
  server(
    server: string,
    state: ServerStatus['state'] | 'answering',
    message: string,
    patienceMs?: number,
    address?: string,
  ): void {
    const others = (this.#status.servers ?? []).filter((s) => s.server !== server);
    const known = this.#status.servers?.find((s) => s.server === server);
    const before = known?.state;
    const now = this.#now();
    const outage = (): Pick<ServerStatus, 'since' | 'until'> => ({
      since: new Date(now).toISOString(),
      ...(patienceMs === undefined ? {} : { until: new Date(now + patienceMs).toISOString() }),
    });
    if (state === 'answering') this.#status.servers = others;
    else {
      const times = state === 'waiting' ? (known?.state === 'waiting' ? known : outage()) : {};
      const place = address === undefined ? {} : { address };
      this.#status.servers = [...others, { ...times, server, state, message, ...place }];
    }
    const isTold = others.some((s) => s.state === 'waiting' && address !== undefined && s.address === address);
    if (state === 'waiting' && before !== 'waiting' && !isTold) this.notice('warning', message);
    else if (state === 'answering' && before === 'waiting' && !isTold) this.notice('info', message);
    else this.#changed();
  }

  loss(adapter: string, step: number, steps: number, loss: number | undefined, heldOut?: number): void {
    const curve = this.#curve(adapter);
    curve.steps = steps;
    // A job that is read again from its start repeats its events; only later ones are new.
    if (loss !== undefined && step > (curve.points.at(-1)?.step ?? -1)) curve.points.push({ step, loss });
    if (heldOut !== undefined && step > (curve.heldOut.at(-1)?.step ?? -1)) curve.heldOut.push({ step, loss: heldOut });
    if (curve.points.length > maxCurvePoints) curve.points = curve.points.filter((_, i) => i % 2 === 0);
    this.#changed();
  }

  probe(adapter: string, probe: { ok: boolean; message: string }): void {
    this.#curve(adapter).probe = probe;
    this.#changed(true);
  }

  results(results: SystemScore[]): void {
    this.#status.results = results;
    delete this.#status.earlierResults;
    this.#changed(true);
  }

  notice(severity: 'info' | 'warning' | 'error', message: string): void {
    this.#status.notices.push({ at: new Date(this.#now()).toISOString(), severity, message });
    if (this.#status.notices.length > 100) this.#status.notices.shift();
    this.#changed(true);
  }

  finish(state: RunStatus['state']): void {
    this.#status.state = state;
    delete this.#status.pid;
    delete this.#status.servers;
    this.#changed(true);
  }

  #curve(adapter: string): TrainingCurve {
    let curve = this.#status.training.find((c) => c.adapter === adapter);
    if (curve === undefined) {
      curve = { adapter, steps: 0, points: [], heldOut: [] };
      this.#status.training.push(curve);
    }
    return curve;
  }

  #secondsOf(id: StageId, now: number): number {
    const began = this.#began.get(id);
    return began === undefined ? this.stage(id).seconds : began.before + (now - began.at) / 1000;
  }

  #changed(atOnce = false): void {
    const now = this.#now();
    if (!atOnce && now - this.#lastPublished < publishIntervalMs) return;
    this.#lastPublished = now;
    this.#status.updatedAt = new Date(now).toISOString();
    this.#publish(this.#status);
  }
}

/** What a stage that is run again shows until it has figures of its own. */
function doneBefore(
  stage: StageStatus | undefined,
  now: string,
): Pick<StageStatus, 'counts' | 'dropped' | 'earlier' | 'again'> {
  const since = stage?.again ?? (stage?.state === 'done' ? now : undefined);
  const again = since === undefined ? {} : { again: since };
  const known = stage?.state === 'done' || stage?.earlier === true;
  if (!known || stage.counts.length + stage.dropped.length === 0) return { counts: [], dropped: [], ...again };
  return { counts: stage.counts, dropped: stage.dropped, earlier: true, ...again };
}

function forget(stage: StageStatus): void {
  stage.counts = [];
  stage.dropped = [];
  delete stage.earlier;
}
