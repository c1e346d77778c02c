/**
 * The vocabulary between a method and whoever drives it. A method is a synchronous generator that yields
 * requests and receives answers; it does no I/O (see ARCHITECTURE.md, "The one idea").
 */

/** The agent that is asked. A settings map says which server and model name serves each role. */
export type Role = 'meta' | 'plan' | 'tool' | 'reflect' | 'judge' | (string & {});

/** Sampling settings of one completion; every field is sent, so that no server default slips in. */
export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  /** 0 switches the filter off. */
  readonly topK: number;
  readonly seed: number;
}

/** Ask a role to continue a text. */
export interface CompletionRequest {
  readonly kind: 'complete';
  readonly role: Role;
  readonly purpose: string;
  readonly prompt: string;
  readonly stop: readonly string[];
  /** In tokens of the served model. */
  readonly maxTokens: number;
  readonly sampling: Sampling;
}

export interface CompletionAnswer {
  readonly kind: 'completion';
  /** Text without the stop string. */
  readonly text: string;
  readonly finish: 'stop' | 'length';
  readonly usage: {
    readonly promptTokens: number;
    readonly completionTokens: number;
    /** Of the prompt's tokens, those that the server found in its cache, where it tells. */
    readonly cachedTokens?: number;
  };
  /** Tries that failed before it; left out where it came at once. */
  readonly retries?: number;
  /** What a chat model wrote after the stop, cut short. */
  readonly discarded?: string;
}

/** What a tool leaves for the next call of the same question; plain data, so that replay restores it. */
export type ToolState = Readonly<Record<string, unknown>>;

/** Call a tool with an argument. `state` is what the previous tool answer of this question returned. */
export interface ToolRequest {
  readonly kind: 'tool';
  readonly tool: string;
  readonly argument: string;
  readonly state: ToolState;
}

export interface ToolAnswer {
  readonly kind: 'observation';
  readonly text: string;
  /** `miss`: the tool worked and found nothing. `error`: the tool itself failed. */
  readonly outcome: 'hit' | 'miss' | 'error';
  readonly state: ToolState;
}

/** Write something to the trace. Answered at once with a {@link NoteAnswer}. */
export interface NoteRequest {
  readonly kind: 'note';
  readonly note: TraceNote;
}

export interface NoteAnswer {
  readonly kind: 'noted';
}

/** One line of a trace (research: trace event). Never contains gold. */
export interface TraceNote {
  /** Counts from 1; 0 for what belongs to the whole item. */
  readonly step: number;
  readonly role: Role | 'environment';
  readonly kind:
    | 'thought'
    | 'action'
    | 'observation'
    | 'reflection'
    | 'verdict'
    | 'answer'
    | 'halt'
    | 'plan'
    | 'message'
    | 'accepted'
    | 'dropped'
    | 'selected';
  readonly text: string;
  readonly parse?: 'ok' | 'repaired' | 'failed';
  readonly tool?: string;
  readonly argument?: string;
  /** Why something was dropped, halted or repaired. */
  readonly reason?: string;
}

export type Request = CompletionRequest | ToolRequest | NoteRequest;
export type Answer = CompletionAnswer | ToolAnswer | NoteAnswer;

/**
 * A method or a stage's work on one item. Yields one request, or a list that is answered together;
 * receives one answer, or as many as the list had. Closing it (`return()`) cancels.
 */
export type Method<R> = Generator<Request | readonly Request[], R, Answer | readonly Answer[]>;
