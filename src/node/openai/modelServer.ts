import { ServerError } from '../../core/ports/models.ts';
import type { CompletionAnswer, CompletionRequest } from '../../core/run/request.ts';
import { TrajectoryAdmission, type Capacity } from './admission.ts';
import { Breaker, type ServerState } from './breaker.ts';
import { realClock, type Clock } from './clock.ts';
import { mendedDialect, type Dialect } from './dialect.ts';
import type { Endpoint, Told } from './endpoint.ts';
import { TryFailure } from './failures.ts';
import { RequestWindow } from './requestWindow.ts';
import { WarmUp } from './warmUp.ts';

export interface ModelServerOptions {
  /** As the user calls it, for messages. */
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly dialect: Dialect;
  /** Requests under way at once; left out, the server's capacity or what it takes decides. */
  readonly concurrency?: number;
  /** Requests sent in a minute at most. */
  readonly requestsPerMinute?: number;
  /** What it keeps hot; left out, trajectories are not held back. */
  readonly capacity?: Capacity;
  /** Ours: as many requests as are let through, each asked once, whatever comes back. */
  readonly plain?: boolean;
  /** It has answered already, so that silence is an outage and no wrong address. */
  readonly reached?: boolean;
  readonly outageMinutes?: number;
  /** Ends everything that waits. */
  readonly lifetime?: AbortSignal;
  readonly clock?: Clock;
  readonly onState?: (state: ServerState) => void;
  /** A prompt was read for the sake of those that begin like it. */
  readonly onWarmUp?: (model: string, usage: CompletionAnswer['usage']) => void;
  /** A request was asked again, or its answer was thrown away. */
  readonly onRetry?: (reason: string) => void;
}

/** Tokens that a trajectory is taken to hold, for comparing servers. */
const tokensOfOne = 2000;

/** The server is down, and the request can be asked of another one. */
export class ServerDown extends Error {
  override readonly name = 'ServerDown';
}

/** The same failing body is asked at most this often (evals-traces-speed 4.2, promise 5). */
export const triesOfABody = 3;
const longestBusyMs = 600_000;
const firstBackoffMs = 500;
const longestBackoffMs = 30_000;
/** So many requests in a row that were given up: the fault is not theirs. */
const givenUpInARow = 5;
/** Where nothing is known, more at once is of no use to any server. */
const mostRequests = 512;

/**
 * One model server as a run uses it: what has to wait, what is asked again, what is given up. The policies are parts of
 * their own; this is the order in which they apply.
 */
export class ModelServer {
  readonly name: string;
  readonly #options: ModelServerOptions;
  readonly #clock: Clock;
  readonly #window: RequestWindow;
  readonly #admission: TrajectoryAdmission;
  readonly #breaker: Breaker;
  readonly #warmUp: WarmUp;
  #dialect: Dialect;
  /** Whether it has answered since this process began; a server that never did is a wrong address and no outage. */
  #answered: boolean;
  #givenUp = 0;
  #troubled = false;

  constructor(options: ModelServerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#dialect = options.dialect;
    this.#answered = options.reached ?? false;
    const lifetime = options.lifetime ?? new AbortController().signal;
    const { concurrency, capacity = {} } = options;
    this.#window = new RequestWindow({
      clock: this.#clock,
      lifetime,
      limit: concurrency ?? capacity.slots ?? mostRequests,
      // A server that tells its cache's size queues what it cannot take, and never says that it is too much.
      adaptive: concurrency === undefined && capacity.kvTokens === undefined && capacity.slots === undefined,
      ...(options.requestsPerMinute === undefined ? {} : { perMinute: options.requestsPerMinute }),
    });
    this.#admission = new TrajectoryAdmission(concurrency === undefined ? capacity : {});
    const patienceMs = (options.outageMinutes ?? 60) * 60_000;
    this.#breaker = new Breaker({
      clock: this.#clock,
      lifetime,
      alive: (signal) => options.endpoint.alive(signal),
      patienceMs,
      onChange: (down) => {
        const { name } = this;
        options.onState?.(
          down === undefined
            ? { server: name, state: 'answering', message: `Server "${name}" answers again; the run goes on.` }
            : {
                server: name,
                state: 'waiting',
                patienceMs,
                message: `Server "${name}" cannot be reached for ${seconds(down.sinceMs)}; the run waits and asks again in ${seconds(down.nextInMs)}.`,
              },
        );
      },
    });
    this.#warmUp = new WarmUp(this.#clock);
  }

  get dialect(): Dialect {
    return this.#dialect;
  }
  /** Whether requests wait for it to come back. */
  get down(): boolean {
    return this.#breaker.open;
  }
  /** How much it takes at once, in trajectories of usual length: a measure for sharing work among servers. */
  get size(): number {
    const { kvTokens } = this.#options.capacity ?? {};
    return kvTokens === undefined ? this.#window.limit : Math.min(this.#window.limit, kvTokens / tokensOfOne);
  }

  /**
   * @param item the trajectory that asks; left out, the request belongs to none
   * @param elsewhere whether somebody else can be asked when it is down
   * @throws ServerError; ServerDown where it is down and there is somebody else; the signal's reason when cancelled
   */
  async complete(
    model: string,
    request: CompletionRequest,
    signal: AbortSignal,
    item?: string,
    elsewhere: () => boolean = () => false,
  ): Promise<CompletionAnswer> {
    if (this.#options.plain === true) return this.#once(model, request, signal);
    if (item !== undefined) await this.admit(item, signal);
    if (this.#options.capacity?.kvTokens !== undefined)
      await this.#warmUp.before(model, request.prompt, signal, () => this.#read(model, request, signal));
    const answer = await this.#untilAnswered(model, request, signal, elsewhere);
    const { promptTokens, completionTokens } = answer.usage;
    if (item !== undefined) this.#admission.grew(item, model, request.prompt, promptTokens, completionTokens);
    return answer;
  }

  /** Has a prompt read into the server's cache. */
  async #read(model: string, request: CompletionRequest, signal: AbortSignal): Promise<void> {
    const { answer } = await this.#ask(model, { ...request, maxTokens: 1 }, signal);
    this.#options.onWarmUp?.(model, answer.usage);
  }

  /** Waits until the trajectory is let in; at once when it already is. */
  async admit(item: string, signal: AbortSignal): Promise<void> {
    await this.#admission.enter(item, signal);
  }

  /** The trajectory asks nothing more, and its prefix need not be kept. */
  ended(item: string): void {
    this.#admission.ended(item);
  }

  async #once(model: string, request: CompletionRequest, signal: AbortSignal): Promise<CompletionAnswer> {
    try {
      return (await this.#ask(model, request, signal)).answer;
    } catch (error) {
      throw error instanceof TryFailure ? error.error : error;
    }
  }

  async #ask(model: string, request: CompletionRequest, signal: AbortSignal): Promise<Told> {
    const sentAt = await this.#window.enter(signal);
    try {
      const told = await this.#options.endpoint.ask(model, request, this.#dialect, signal);
      this.#window.answered(told.rate);
      return told;
    } catch (error) {
      if (error instanceof TryFailure && error.kind === 'busy') this.#window.limited(sentAt, error.retryAfterMs);
      throw error;
    } finally {
      this.#window.leave();
    }
  }

  async #untilAnswered(
    model: string,
    request: CompletionRequest,
    signal: AbortSignal,
    elsewhere: () => boolean,
  ): Promise<CompletionAnswer> {
    let tries = 0;
    let busySince: number | undefined;
    let failed = 0;
    for (let round = 0; ; round++) {
      if (this.down && elsewhere()) throw new ServerDown(this.name);
      if (!(await this.#breaker.passable(signal))) throw this.#lost();
      let failure: TryFailure;
      try {
        const { answer } = await this.#ask(model, request, signal);
        this.#answered = true;
        this.#givenUp = 0;
        this.#isWell();
        return failed === 0 ? answer : { ...answer, retries: failed };
      } catch (error) {
        if (!(error instanceof TryFailure)) throw error;
        failure = error;
      }
      if (failure.kind === 'final') {
        const mended = mendedDialect(this.#dialect, failure.complaint ?? '');
        if (mended === undefined) throw failure.error;
        this.#dialect = mended;
        continue;
      }
      failed++;
      this.#options.onRetry?.(failure.error.reason);
      if (failure.kind === 'outage' && (await this.#breaker.suspect(this.#answered, signal))) {
        if (!this.#answered) throw failure.error;
        continue; // An outage is nobody's try.
      }
      if (failure.kind === 'busy') {
        busySince ??= this.#clock.now();
        if (this.#clock.now() - busySince > longestBusyMs) throw this.#tooBusy(failure);
      } else if (++tries >= triesOfABody) throw this.#giveUp(failure);
      // With a Retry-After the window holds everything back; without, this request steps back by itself.
      const wait = failure.retryAfterMs ?? this.#backoff(failure.kind === 'busy' ? round : tries - 1);
      this.#troubled = true;
      const nth = failure.kind === 'busy' ? '' : ` (${tries + 1} of ${triesOfABody})`;
      this.#options.onState?.({
        server: this.name,
        state: 'retrying',
        message: `${failure.error.message} Asking again${nth} in ${seconds(wait)}.`,
      });
      await this.#clock.sleep(wait, signal);
    }
  }

  /** What was told of tries that failed holds no longer. */
  #isWell(): void {
    if (!this.#troubled) return;
    this.#troubled = false;
    this.#options.onState?.({ server: this.name, state: 'answering', message: `Server "${this.name}" answers.` });
  }

  /** Exponential, with full jitter in its upper half, so that what failed together does not come back together. */
  #backoff(n: number): number {
    return Math.min(firstBackoffMs * 2 ** n, longestBackoffMs) * (0.5 + this.#clock.random() / 2);
  }

  #giveUp({ error }: TryFailure): ServerError {
    this.#givenUp++;
    const message = `${error.message} It was asked ${triesOfABody} times.`;
    // While others are answered the fault is this request's, and only its item ends; else it is the server's.
    if (this.#givenUp < givenUpInARow)
      return new ServerError(error.fatal ? 'connection' : error.reason, message, error.remedy);
    return new ServerError(
      'unreachable',
      `${message} So it went with the last ${givenUpInARow} requests.`,
      error.remedy ?? 'Look at the log of the server, then resume the run.',
    );
  }

  #tooBusy({ error }: TryFailure): ServerError {
    const minutes = longestBusyMs / 60_000;
    return new ServerError(error.reason, `${error.message} It was waited for ${minutes} minutes.`, error.remedy);
  }

  #lost(): ServerError {
    return new ServerError(
      'unreachable',
      `Server "${this.name}" cannot be reached for ${this.#options.outageMinutes ?? 60} minutes.`,
      'Start it, or correct its address in the settings, then resume the run.',
    );
  }
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}
