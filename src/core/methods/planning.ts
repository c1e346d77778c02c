import { call, note } from '../run/ask.ts';
import type { Answer, Request, Sampling, ToolState } from '../run/request.ts';
import { samplingSeed } from '../run/random.ts';
import { finishTool, reflectTool, type ToolDescription } from '../tools/library.ts';
import { cleanAsPublished } from '../trajectory/parseAction.ts';
import { haltText, loopObservations } from '../trajectory/transcript.ts';
import type { QuestionImage } from '../task/question.ts';
import type { Trajectory, TrajectoryStep } from '../trajectory/trajectory.ts';
import type { Mode } from '../pipeline/mode.ts';
import type { AgentContext } from './agentPrompt.ts';

/** Limits and sampling of a planning loop; recorded in the run. */
export interface PlanningOptions {
  readonly mode: Mode;
  readonly maxSteps: number;
  /** How many answers are judged; 0 ends the run at the first answer. */
  readonly maxReflections: number;
  /** Characters of prompt after which the loop halts instead of asking. */
  readonly maxPromptChars: number;
  readonly maxTokens: { readonly thought: number; readonly action: number };
  readonly sampling: Omit<Sampling, 'seed'>;
  /** Seeds are drawn from this and the item's key, so that every call of a run has its own. */
  readonly seed: number;
}

export interface PlanningInput {
  /** The item's key. */
  readonly key: string;
  readonly question: string;
  /** What Image2Text reads; its argument is not what tells it which image is meant. */
  readonly image?: QuestionImage | undefined;
  readonly context: AgentContext;
  readonly options: PlanningOptions;
}

export type Yielded<R> = Generator<Request | readonly Request[], R, Answer | readonly Answer[]>;

/** The state that every planning loop shares: history, tool state and answers, and what an action does to them. */
export class PlanningState {
  readonly steps: TrajectoryStep[] = [];
  readonly answers: Trajectory['answers'] = [];
  readonly input: PlanningInput;
  #toolState: ToolState = {};
  #calls = 0;

  constructor(input: PlanningInput) {
    this.input = input;
  }

  /** The number of the step that is being taken, from 1. */
  get step(): number {
    return this.steps.length + 1;
  }

  get legalTools(): readonly ToolDescription[] {
    return [...this.input.context.tools, finishTool, reflectTool];
  }

  /** Sampling of the next call; `temperature` overrides for repairs. */
  sampling(temperature?: number): Sampling {
    const { sampling, seed } = this.input.options;
    return {
      ...sampling,
      ...(temperature === undefined ? {} : { temperature }),
      seed: samplingSeed(seed, this.input.key, String(this.#calls++)),
    };
  }

  /**
   * Takes an action that is neither an answer nor a verdict, and records the step.
   * @param rule who acts, whether the loop's own rules allow the action, and the tool's name in the history
   */
  *act(
    thought: string,
    tool: string,
    argument: string,
    parse: TrajectoryStep['parse'],
    rule: { readonly by: TrajectoryStep['by']; readonly legal: boolean; readonly shown?: string } = {
      by: 'plan',
      legal: true,
    },
  ): Yielded<void> {
    const legal = this.input.context.tools.map((t) => t.name);
    let observation: string;
    let outcome: TrajectoryStep['outcome'];
    if (parse === 'failed' || !legal.includes(tool) || !rule.legal) {
      observation = loopObservations.invalid(this.legalTools.map((t) => `${t.name}[${t.argument}]`));
      outcome = 'loop';
      parse = 'failed';
    } else {
      const { image } = this.input;
      const state = image === undefined ? this.#toolState : { ...this.#toolState, image };
      const answer = yield* call({ tool, argument, state });
      this.#toolState = answer.state;
      observation = this.input.options.mode.cutAtLabelWords ? cleanAsPublished(answer.text) : answer.text;
      outcome = answer.outcome;
    }
    yield* this.record({ thought, tool: rule.shown ?? tool, argument, observation, by: rule.by, parse, outcome });
  }

  *record(step: TrajectoryStep): Yielded<void> {
    const at = this.step;
    this.steps.push(step);
    yield* note({ step: at, role: 'environment', kind: 'observation', text: step.observation });
  }

  *halt(reason: 'steps' | 'context'): Yielded<Trajectory> {
    const text = haltText(reason, this.steps.length);
    yield* note({ step: this.steps.length, role: 'environment', kind: 'halt', text, reason });
    return this.trajectory(false, reason);
  }

  trajectory(finished: boolean, halt?: 'steps' | 'context'): Trajectory {
    return {
      steps: this.steps,
      answer: this.answers.at(-1)?.text ?? null,
      answers: this.answers,
      finished,
      ...(halt === undefined ? {} : { halt }),
    };
  }
}
