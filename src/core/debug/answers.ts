import { requestIdentity } from '../run/log.ts';
import type { CompletionRequest } from '../run/request.ts';
import { DebugError } from './debugError.ts';
import { callText, type Call, type Part } from './path.ts';
import type { Origin, Take, Tape } from './tape.ts';
import type { DebugMode, DebugTarget } from './target.ts';

export interface PlayerOptions {
  readonly mode: DebugMode;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** SHA-256 in hexadecimal. */
  readonly hash: (text: string) => string;
  /** A model or a tool is being asked; the function that is returned is called when it has answered. */
  readonly onAsk?: (request: Call) => () => void;
}

/** What was spent in this session: recorded answers cost nothing. */
export interface Spent {
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Where answers come from while a plan is debugged: the recording, this session, the run's store, models and tools. */
export class Answers {
  readonly #target: DebugTarget;
  readonly #mode: DebugMode;
  readonly #options: PlayerOptions;
  readonly #tape: Tape;
  /** Answers by the request's hash, so that stepping back and forth never asks twice. */
  readonly #memory = new Map<string, Take>();
  /** Tool calls whose recorded answer belongs to another argument; going on once more takes it. */
  readonly #offered = new Set<string>();
  #spent: Spent = { calls: 0, promptTokens: 0, completionTokens: 0 };

  constructor(target: DebugTarget, tape: Tape, options: PlayerOptions) {
    this.#target = target;
    this.#tape = tape;
    this.#mode = options.mode;
    this.#options = options;
  }

  get spent(): Spent {
    return this.#spent;
  }

  /** Of each request: recorded, remembered, recalled or asked. @throws DebugError; ServerError, ToolError when asking failed */
  async obtain(pending: readonly Pick<Part, 'i' | 'request'>[], signal: AbortSignal): Promise<readonly Part[]> {
    return Promise.all(
      pending.map(async ({ i, request }): Promise<Part> => {
        if (request.kind === 'note') return { i, request };
        const hash = this.#options.hash(requestIdentity(request));
        const found = this.#recorded(i, request, hash);
        if (found !== undefined) return found;
        const take = await this.#fromElsewhere(request, hash, signal);
        this.#tape.set(i, take);
        return { i, request, take, fit: 'exact' };
      }),
    );
  }

  #recorded(i: string, request: Call, hash: string): Part | undefined {
    const take = this.#tape.get(i);
    if (take === undefined) return undefined;
    if (this.#target.recordingOnly !== undefined) return { i, request, take, fit: 'exact' };
    const fit = this.#tape.fit(i, request, hash);
    if (fit === 'exact') return { i, request, take, fit };
    if (this.#mode !== 'replay' || fit === undefined || this.#memory.has(hash)) return undefined;
    if (fit === 'tool' && !this.#offered.has(hash)) {
      this.#offered.add(hash);
      throw new DebugError(
        'other-argument',
        `The recording has no answer to ${callText(request)}. Enter one as "answer" under Step, debug with "mode": "live" to call the tool, or go on to use what was recorded for [${take.argument ?? ''}].`,
      );
    }
    return { i, request, take, fit };
  }

  async #fromElsewhere(request: Call, hash: string, signal: AbortSignal): Promise<Take> {
    const remembered = this.#memory.get(hash);
    if (remembered !== undefined) return remembered;
    const base = {
      hash,
      label: request.kind === 'tool' ? request.tool : request.purpose,
      role: request.kind === 'tool' ? undefined : request.role,
      argument: request.kind === 'tool' ? request.argument : undefined,
    };
    const recalled = this.#mode === 'replay' ? undefined : this.#target.recall?.(hash);
    if (recalled !== undefined && recalled.kind !== 'noted')
      return { ...base, answer: recalled, ms: 0, model: undefined, origin: 'cached' };
    const { drivers } = this.#target;
    if (this.#mode !== 'live' || drivers === undefined)
      throw new DebugError(
        'no-answer',
        `${this.#mode === 'replay' ? 'The recording' : 'The run'} has no answer to ${callText(request)}. Enter one as "answer" under Step, or debug with "mode": "live".`,
      );
    const take =
      request.kind === 'complete'
        ? await this.askModel(request, 'live', signal)
        : await this.#asking(request, async () => {
            const began = this.#options.now();
            const answer = await drivers.call(request, signal);
            return { ...base, answer, ms: this.#options.now() - began, model: undefined, origin: 'live' as const };
          });
    this.#memory.set(hash, { ...take, hash });
    return { ...take, hash };
  }

  async askModel(request: CompletionRequest, origin: Origin, signal: AbortSignal): Promise<Take> {
    const { drivers } = this.#target;
    if (drivers === undefined) throw new DebugError('live-only', 'No model can be asked in this session.');
    return this.#asking(request, async () => {
      const began = this.#options.now();
      const { model, ...answer } = await drivers.complete(request, signal, this.#target.key);
      this.#spent = {
        calls: this.#spent.calls + 1,
        promptTokens: this.#spent.promptTokens + answer.usage.promptTokens,
        completionTokens: this.#spent.completionTokens + answer.usage.completionTokens,
      };
      const { role, purpose: label } = request;
      const hash = this.#options.hash(requestIdentity(request));
      return { answer, hash, label, role, argument: undefined, ms: this.#options.now() - began, model, origin };
    });
  }

  async #asking<T>(request: Call, work: () => Promise<T>): Promise<T> {
    const done = this.#options.onAsk?.(request);
    try {
      return await work();
    } finally {
      done?.();
    }
  }
}
