import type { Trajectory, TrajectoryStep } from '../trajectory/trajectory.ts';
import { visible } from '../trajectory/visible.ts';

/**
 * The neutral form in which annotators see every trajectory, whatever method made it (research: methods 5.3): one
 * template, tools under common names, no reflection, and nothing that tells a method, a model or a score.
 */

export interface NeutralStep {
  readonly thought: string;
  readonly action: string;
  readonly argument: string;
  readonly observation: string;
  /** The trajectory went on after an answer. */
  readonly continued?: true;
}

export interface NeutralTrajectory {
  readonly steps: readonly NeutralStep[];
  /** It came to an answer of its own and was not stopped. */
  readonly finished: boolean;
}

export interface NeutralOptions {
  readonly reflections: 'remove' | 'keep';
  /** Neutral names of further tools. */
  readonly toolNames: Readonly<Record<string, string>>;
  /** Names of this study's methods, systems, runs and models, and words that the study lists. */
  readonly tells: readonly string[];
}

const answer = 'Answer';
const reflection = 'Reflect';
/** Published methods call the same few tools by many names; each name would tell its method. */
const commonNames: Readonly<Record<string, string>> = {
  Search: 'Search',
  BingSearch: 'Search',
  Bingsearch: 'Search',
  bingSearch: 'Search',
  WebSearch: 'Search',
  GoogleSearch: 'Search',
  Retrieve: 'Search',
  WikiSearch: 'Search',
  Wikipedia: 'Search',
  Lookup: 'Look up',
  LookUp: 'Look up',
  Finish: answer,
  Submit: answer,
  Reflect: 'Check',
};

/** Methods of the literature that are no everyday words. */
const methodNames = [
  'AutoAct',
  'AUTOACT',
  'ReAct',
  'Reflexion',
  'BOLAA',
  'ReWOO',
  'FireAct',
  'HuggingGPT',
  'AutoGPT',
  'Auto-GPT',
  'AgentVerse',
  'AgentTuning',
  'AgentLM',
  'Lumos agent',
  'zero-shot plan',
];
const modelName =
  /\b(?:(?:gpt|chatgpt|claude|gemini|qwen|llama|vicuna|mistral|mixtral|phi|gemma|deepseek|davinci)-?\d[\w.]*(?:-[\w.]+)*|(?:chatgpt|text-davinci)(?:-[\w.]+)*|(?:[a-z]+-)+\d+b(?:-[\w.]+)*)\b/gi;
/** What loops say of scores and of right and wrong. */
const verdicts =
  /(?:Episode finished[^\n]*|Answer is (?:IN)?CORRECT\b[^\n]*|\b(?:reward|score|f1|em)\s*[=:]\s*-?\d[\d.]*)/gi;
const roleHeaders =
  /^[ \t]*(?:(?:system|assistant|user|human|(?:plan|tool|reflect|meta|judge|solver|worker|critic|planner)(?:[ -]?agent)?)\s*(?:\d+\s*)?:[ \t]*)/gim;
const stepLabels = /^[ \t]*(?:thought|action|observation)\s*\d*\s*:[ \t]*/gim;

export const removed = '[…]';

export interface Neutralised {
  readonly trajectory: NeutralTrajectory;
  /** How many tells were taken out of the texts, for the report on the preparation. */
  readonly tellsRemoved: number;
  /** Number, from 1 on, of the step that each neutral step was made of. */
  readonly sourceSteps: readonly number[];
}

/** Pure and deterministic: the same trajectory gives the same text for every annotator. */
export function neutralise(trajectory: Trajectory, options: NeutralOptions): Neutralised {
  const scrub = new Scrubber(options);
  const steps: NeutralStep[] = [];
  const sourceSteps: number[] = [];
  let continued = false;
  for (const [at, step] of trajectory.steps.entries()) {
    // Also a planner that calls for reflection as if it were a tool shows that its method reflects.
    const reflects = step.by === 'reflect' || step.tool.trim() === reflection;
    if (reflects && options.reflections === 'remove') continue;
    sourceSteps.push(at + 1);
    steps.push({
      thought: scrub.text(step.thought),
      action: scrub.tool(step.tool),
      argument: scrub.text(step.argument),
      observation: observationOf(step, scrub),
      ...(continued ? { continued: true as const } : {}),
    });
    continued = scrub.tool(step.tool) === answer && step.by === 'plan';
  }
  return {
    trajectory: { steps, finished: trajectory.finished && trajectory.answer !== null },
    tellsRemoved: scrub.count,
    sourceSteps,
  };
}

/** What the loop itself says is its method's own wording. */
function observationOf(step: TrajectoryStep, scrub: Scrubber): string {
  if (step.outcome !== 'loop') return scrub.text(step.observation);
  return step.parse === 'failed' ? 'The action could not be carried out.' : '';
}

class Scrubber {
  count = 0;
  readonly #names: Readonly<Record<string, string>>;
  readonly #tools: RegExp;
  readonly #tells: RegExp;

  constructor({ reflections, toolNames, tells }: NeutralOptions) {
    this.#names = { ...commonNames, ...toolNames, ...(reflections === 'remove' ? { [reflection]: removed } : {}) };
    // "Search" and "Submit" are words of their own; the others occur in a text as names of tools only.
    const inText = Object.keys(this.#names).filter((name) => this.#names[name] !== name && name !== 'Submit');
    this.#tools = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${inText.map(escaped).join('|')})(?![\\p{L}\\p{N}_])`, 'gu');
    const names = [...new Set([...methodNames, ...tells])].sort((a, b) => b.length - a.length);
    this.#tells = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${names.map(escaped).join('|')})(?![\\p{L}\\p{N}_])`, 'gu');
  }

  tool(name: string): string {
    const plain = visible(name).trim();
    if (Object.hasOwn(this.#names, plain)) return this.#names[plain] ?? plain;
    return plain === '' || plain === '(none)' ? 'No action' : this.text(plain);
  }

  text(raw: string): string {
    return this.#without(
      visible(raw)
        .replace(stepLabels, '')
        .replace(roleHeaders, () => this.#counted('')),
    ).trim();
  }

  #without(text: string): string {
    return text
      .replace(verdicts, () => this.#counted(removed))
      .replace(this.#tells, () => this.#counted(removed))
      .replace(modelName, () => this.#counted(removed))
      .replace(this.#tools, (name) =>
        this.#names[name] === removed ? this.#counted(removed) : (this.#names[name] ?? name),
      );
  }

  #counted(replacement: string): string {
    this.count++;
    return replacement;
  }
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
