/**
 * The one renderer of an agent's history. Inference, training data and the starter corpus all call it, so that a
 * model is trained on exactly the bytes that it will be asked to continue (methods 4.4, row 10).
 */

export interface Action {
  readonly tool: string;
  readonly argument: string;
}

/** A finished step. A step that never got as far as an observation is not finished. */
export interface Step {
  readonly thought: string;
  readonly action: Action;
  readonly observation: string;
}

/** The three places where an agent continues the history, and the one where reflect does. */
export type Cue =
  | { readonly kind: 'thought' }
  | { readonly kind: 'tool'; readonly thought: string }
  | { readonly kind: 'argument'; readonly thought: string; readonly tool: string }
  | { readonly kind: 'verdict'; readonly thought: string };

/** Text that ends each completion. It is what the model is trained to emit after its words. */
export const terminators = { thought: '\n', tool: '[', argument: '\n', verdict: '\n' } as const;
/** Stop strings sent to the server. A tool name may also be cut off by a line's end. */
export const stops = { thought: ['\n'], tool: ['[', '\n'], argument: ['\n'], verdict: ['\n'] } as const;

const label = /^(\s*)(thought|action|observation|question)(\s*\d*\s*:)/i;

/** Keeps text from outside from posing as a step: a line that opens with a label of ours is quoted. */
export function quoteLabels(text: string): string {
  return text
    .split(/\r\n|[\r\n\u2028\u2029]/)
    .map((line) => (label.test(line) ? `> ${line.trimStart()}` : line.trimEnd()))
    .filter((line) => line !== '')
    .join('\n');
}

/** Renders finished steps; ends with a line's end unless there are none. */
export function renderSteps(steps: readonly Step[]): string {
  return steps
    .map(
      (s) =>
        `Thought: ${s.thought}\nAction: ${s.action.tool}[${s.action.argument}]\nObservation: ${quoteLabels(s.observation)}\n`,
    )
    .join('');
}

/** Renders the unfinished step at whose end an agent goes on. Never ends in a space: models continue with one. */
export function renderCue(cue: Cue): string {
  switch (cue.kind) {
    case 'thought':
      return 'Thought:';
    case 'tool':
      return `Thought: ${cue.thought}\nAction:`;
    case 'argument':
      return `Thought: ${cue.thought}\nAction: ${cue.tool}[`;
    case 'verdict':
      return `Thought: ${cue.thought}\nAction:`;
  }
}

/** The completion that a trained agent gives at a cue, terminator included. */
export function renderTarget(kind: Cue['kind'], text: string): string {
  switch (kind) {
    case 'thought':
      return ` ${text}${terminators.thought}`;
    case 'tool':
      return ` ${text}${terminators.tool}`;
    case 'argument':
      return `${text}]${terminators.argument}`;
    case 'verdict':
      return ` Reflect[${text}]${terminators.verdict}`;
  }
}

/** Observations that the loop itself gives; written once, since agents are trained on them. */
export const loopObservations = {
  answerGiven: 'The answer is noted. Judge it now: is it right or wrong?',
  answerTaken: 'The answer is noted.',
  judgedWrong: 'The answer was judged wrong. Go on and find a better one.',
  judgedRight: 'The answer was judged right.',
  invalid: (legal: readonly string[]): string => `This action is not valid. Valid actions are ${legal.join(', ')}.`,
} as const;

/** What the trace says of a loop that was stopped. */
export function haltText(reason: string, steps: number): string {
  return reason === 'steps' ? `Stopped after ${steps} steps.` : 'Stopped: the history no longer fits the context.';
}
