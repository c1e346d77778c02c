import * as z from 'zod';
import { ServerError } from '../ports/models.ts';

const Counts = {
  /** Requests that a server answered; those that failed are not counted here. */
  asked: z.number(),
  promptTokens: z.number(),
  /** Of the prompts' tokens, those that the server found in its cache. */
  cachedTokens: z.number(),
  completionTokens: z.number(),
  /** Left out where no price is known. */
  cost: z.number().optional(),
};
export const LedgerStatus = z.object({
  ...Counts,
  /** Answers that were taken from the workspace's cache. */
  reused: z.number(),
  /** Requests that were answered together with an equal one that was under way. */
  shared: z.number(),
  /** Tries that failed and were made again, by reason. */
  retried: z.record(z.string(), z.number()),
  models: z.array(z.object({ server: z.string(), model: z.string(), ...Counts })),
});
export type LedgerStatus = z.infer<typeof LedgerStatus>;

export interface TokenPrice {
  readonly input: number;
  readonly cachedInput?: number | undefined;
  readonly output: number;
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens?: number;
}

export interface LedgerOptions {
  /** Per million tokens; undefined where none is known. */
  readonly price: (server: string, model: string) => TokenPrice | undefined;
  readonly budget: { readonly cost?: number | undefined; readonly tokens?: number | undefined };
  /** What earlier sessions of the run have used. */
  readonly earlier?: LedgerStatus | undefined;
  readonly onChange?: (status: LedgerStatus) => void;
}

/** Counts what a run asks of servers and what that costs, and says when it has spent what it may. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #status: LedgerStatus;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#status =
      options.earlier === undefined
        ? {
            asked: 0,
            promptTokens: 0,
            cachedTokens: 0,
            completionTokens: 0,
            reused: 0,
            shared: 0,
            retried: {},
            models: [],
          }
        : structuredClone(options.earlier);
  }

  get status(): LedgerStatus {
    return this.#status;
  }

  /** @throws ServerError `budget` when nothing more may be asked */
  check(): void {
    const { cost, tokens } = this.#options.budget;
    const spent = this.#status.cost ?? 0;
    const used = this.#status.promptTokens + this.#status.completionTokens;
    const over =
      cost !== undefined && spent >= cost
        ? `${spent.toFixed(2)} of ${cost.toFixed(2)}`
        : tokens !== undefined && used >= tokens
          ? `${used.toLocaleString('en')} of ${tokens.toLocaleString('en')} tokens`
          : undefined;
    if (over !== undefined)
      throw new ServerError(
        'budget',
        `The budget of this run is spent: ${over}.`,
        'Nothing is lost. Go on with more: autoact run --resume RUN --budget COST, or --budget-tokens N.',
      );
  }

  answered(server: string, model: string, usage: Usage): void {
    let entry = this.#status.models.find((m) => m.server === server && m.model === model);
    if (entry === undefined) {
      entry = { server, model, asked: 0, promptTokens: 0, cachedTokens: 0, completionTokens: 0 };
      this.#status.models.push(entry);
    }
    const price = this.#options.price(server, model);
    const cost = price === undefined ? undefined : costOf(usage, price);
    for (const counts of [entry, this.#status]) {
      counts.asked++;
      counts.promptTokens += usage.promptTokens;
      counts.cachedTokens += usage.cachedTokens ?? 0;
      counts.completionTokens += usage.completionTokens;
      if (cost !== undefined) counts.cost = (counts.cost ?? 0) + cost;
    }
    this.#options.onChange?.(this.#status);
  }

  reused(): void {
    this.#status.reused++;
    this.#options.onChange?.(this.#status);
  }

  shared(): void {
    this.#status.shared++;
  }

  retried(reason: string): void {
    this.#status.retried[reason] = (this.#status.retried[reason] ?? 0) + 1;
  }
}

export function costOf(usage: Usage, price: TokenPrice): number {
  const cached = Math.min(usage.cachedTokens ?? 0, usage.promptTokens);
  return (
    ((usage.promptTokens - cached) * price.input +
      cached * (price.cachedInput ?? price.input) +
      usage.completionTokens * price.output) /
    1e6
  );
}
