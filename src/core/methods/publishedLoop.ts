import { ask, note } from '../run/ask.ts';
import type { Role } from '../run/request.ts';
import type { ToolDescription } from '../tools/library.ts';
import { cleanAsPublished, firstLine } from '../trajectory/parseAction.ts';
import { loopObservations, stops } from '../trajectory/transcript.ts';
import type { Trajectory, TrajectoryStep } from '../trajectory/trajectory.ts';
import { agentPrompt } from './agentPrompt.ts';
import { PlanningState, type PlanningInput, type Yielded } from './planning.ts';
import { think } from './think.ts';

/** Who acts: the three agents of group planning, or one model in all roles, as in synthesis. */
export type Cast = { readonly kind: 'group' } | { readonly kind: 'single'; readonly role: Role };

interface Action {
  readonly name: string;
  readonly argument: string;
  readonly text: string;
}

/**
 * The loop as the published code runs it (research: methods 4.2; `reference` mode), replayed against its own
 * trajectories in the tests. Where it differs from ours: a reflection is a step of its own and falls to the step limit;
 * nothing is asked twice and names must be exact; whatever the reflect agent says is carried out as an action; Lookup
 * is legal only right after a search, where group planning forgets the search at any other action and synthesis does
 * not; text is cut at label words.
 */
export function* publishedLoop(input: PlanningInput, cast: Cast): Yielded<Trajectory> {
  const state = new PlanningState(input);
  const { options } = input;
  const tools = state.legalTools;
  let last = '';
  let searched = false;
  let answer = '';
  while (state.steps.length < options.maxSteps) {
    if (agentPrompt(input.context, input.question, state.steps, { kind: 'thought' }).length > options.maxPromptChars)
      return yield* state.halt('context');
    const judging = last === 'Finish';
    const role = cast.kind === 'single' ? cast.role : judging ? 'reflect' : 'plan';
    const thought = yield* think(state, role, judging ? 'reflection' : 'thought');
    const action = yield* choose(state, cast, judging, thought);
    const name = toolNamed(action.name, tools) ?? action.name;
    const by = judging ? 'reflect' : 'plan';
    yield* note({
      step: state.step,
      role,
      kind: 'action',
      text: action.text,
      tool: name,
      argument: action.argument,
    });
    // The history shows the name that was said: adapters of the published code know no other.
    const step = { thought, tool: action.name === '' ? '(none)' : action.name, argument: action.argument, by } as const;
    if (name === 'Finish') {
      // An empty first answer counts as none, so that the next one is judged again.
      const ends = answer !== '' || options.maxReflections === 0;
      answer = action.argument;
      state.answers.push({ text: answer, step: state.step });
      yield* note({ step: state.step, role, kind: 'answer', text: answer });
      yield* loopStep(state, step, ends ? loopObservations.answerTaken : loopObservations.answerGiven);
      if (ends) return state.trajectory(true);
    } else if (name === 'Reflect' && judging) {
      const right = action.argument.toLowerCase() === 'right';
      yield* judge(state, role, right);
      yield* loopStep(state, step, right ? loopObservations.judgedRight : loopObservations.judgedWrong);
      if (right) return state.trajectory(true);
    } else {
      const lookup = name === 'Lookup';
      yield* state.act(thought, name, action.argument, 'ok', { by, legal: !lookup || searched, shown: step.tool });
    }
    // Group planning looks at the last action that was no Lookup, synthesis at the last search anywhere.
    const search = name === 'Search' || name === 'Retrieve';
    if (name !== 'Lookup') searched = search || (cast.kind === 'single' && searched);
    if (name !== 'Lookup' || cast.kind === 'single') last = name;
  }
  return yield* state.halt('steps');
}

function* choose(state: PlanningState, cast: Cast, judging: boolean, thought: string): Yielded<Action> {
  const { context, question, options } = state.input;
  const cue = judging ? ({ kind: 'verdict', thought } as const) : ({ kind: 'tool', thought } as const);
  const prompt = agentPrompt(context, question, state.steps, cue);
  const whole = cast.kind === 'single' || judging;
  const first = yield* ask({
    role: cast.kind === 'single' ? cast.role : judging ? 'reflect' : 'plan',
    purpose: judging ? 'verdict' : whole ? 'action' : 'tool',
    prompt,
    stop: whole ? stops.verdict : stops.tool,
    maxTokens: options.maxTokens.action,
    sampling: state.sampling(),
  });
  const text = cleanAsPublished(firstLine(first.text));
  if (whole) return { ...(cast.kind === 'group' ? splitAtBrackets(text) : readStrictly(text)), text };
  const answer = yield* ask({
    role: 'tool',
    purpose: 'argument',
    prompt: agentPrompt(context, question, state.steps, { kind: 'argument', thought, tool: text }),
    stop: stops.argument,
    maxTokens: options.maxTokens.action,
    sampling: state.sampling(),
  });
  // Our tool agents end an argument with its bracket; the published ones leave it out.
  const argument = cleanAsPublished(firstLine(answer.text).trim().replace(/\]$/, ''));
  return { name: text, argument, text: `${text}[${argument}]` };
}

/** The reflect agent's action: split at the first bracket of each kind; where one is missing, a character is lost. */
function splitAtBrackets(text: string): { name: string; argument: string } {
  const open = text.indexOf('[');
  const close = text.indexOf(']');
  return { name: text.slice(0, open), argument: text.slice(open + 1, close) };
}

/** A single agent's action: a word, brackets, something between them; else after trimming spaces and full stops. */
function readStrictly(text: string): { name: string; argument: string } {
  const trimmed = text.replace(/^[ .]+|[ .]+$/g, '');
  const found = /^(\w+)\[(.+)\]$/.exec(text) ?? /^(\w+)\[(.+)\]/.exec(trimmed);
  return { name: found?.[1] ?? trimmed, argument: found?.[2] ?? '' };
}

/** Names are exact; an alias is the published name of the same tool. */
function toolNamed(name: string, tools: readonly ToolDescription[]): string | undefined {
  return tools.find((t) => t.name === name || t.aliases.includes(name))?.name;
}

function* judge(state: PlanningState, role: Role, right: boolean): Yielded<void> {
  const verdict = right ? 'right' : 'wrong';
  const last = state.answers.at(-1);
  if (last !== undefined) state.answers[state.answers.length - 1] = { ...last, verdict };
  yield* note({ step: state.step, role, kind: 'verdict', text: verdict });
}

function* loopStep(
  state: PlanningState,
  step: Pick<TrajectoryStep, 'thought' | 'tool' | 'argument' | 'by'>,
  observation: string,
): Yielded<void> {
  yield* state.record({ ...step, observation, parse: 'ok', outcome: 'loop' });
}
