import { ask, note } from '../run/ask.ts';
import type { Method, Role } from '../run/request.ts';
import { loopObservations, stops } from '../trajectory/transcript.ts';
import { firstLine, parseVerdict, readArgument, resolveToolName } from '../trajectory/parseAction.ts';
import type { Trajectory, TrajectoryStep } from '../trajectory/trajectory.ts';
import { agentPrompt } from './agentPrompt.ts';
import { PlanningState, type PlanningInput, type Yielded } from './planning.ts';
import { publishedLoop } from './publishedLoop.ts';
import { think } from './think.ts';

/**
 * Group planning (paper section 2.4; methods 4.2): the plan agent thinks and names a tool, the tool agent fills in its
 * argument, the tool answers, until an answer is given; then the reflect agent judges it, and planning ends or goes on
 * with the reflection in the history. At most `maxReflections` answers are judged; the next one ends the run.
 */
export function* groupPlan(input: PlanningInput): Method<Trajectory> {
  if (input.options.mode.publishedLoop) return yield* publishedLoop(input, { kind: 'group' });
  const state = new PlanningState(input);
  const { options } = input;
  let reflections = 0;
  while (state.steps.length < options.maxSteps) {
    if (agentPrompt(input.context, input.question, state.steps, { kind: 'thought' }).length > options.maxPromptChars) {
      return yield* state.halt('context');
    }
    const thought = yield* think(state, 'plan');
    const named = yield* nameTool(state, thought);
    const argument = yield* fillArgument(state, thought, named.name);
    yield* note({
      step: state.step,
      role: 'plan',
      kind: 'action',
      text: `${named.name}[${argument.text}]`,
      tool: named.name,
      argument: argument.text,
      parse: worse(named.parse, argument.parse),
      ...(named.rule === undefined ? {} : { reason: named.rule }),
    });
    if (named.name !== 'Finish' || argument.text === '') {
      yield* state.act(
        thought,
        named.name,
        argument.text,
        argument.text === '' ? 'failed' : worse(named.parse, argument.parse),
      );
      continue;
    }
    const judged = reflections < options.maxReflections;
    yield* giveAnswer(state, thought, argument.text, worse(named.parse, argument.parse), judged);
    if (!judged) return state.trajectory(true);
    reflections++;
    const right = yield* reflect(state, 'reflect');
    if (right) return state.trajectory(true);
  }
  return yield* state.halt('steps');
}

interface Read {
  readonly text: string;
  readonly parse: TrajectoryStep['parse'];
}

/** The plan agent names a tool; what cannot be read is asked for once more, if the mode repairs. */
function* nameTool(
  state: PlanningState,
  thought: string,
): Yielded<{ name: string; parse: TrajectoryStep['parse']; rule?: string }> {
  const { context, question, options } = state.input;
  const prompt = agentPrompt(context, question, state.steps, { kind: 'tool', thought });
  const first = yield* ask({
    role: 'plan',
    purpose: 'tool',
    prompt,
    stop: stops.tool,
    maxTokens: options.maxTokens.action,
    sampling: state.sampling(),
  });
  const plannable = state.legalTools.filter((t) => t.name !== 'Reflect');
  const found = resolveToolName(firstLine(first.text), plannable);
  if (found !== undefined)
    return {
      name: found.name,
      parse: found.rule === undefined ? 'ok' : 'repaired',
      ...(found.rule === undefined ? {} : { rule: found.rule }),
    };
  if (options.mode.repairPrompt) {
    const forms = plannable.map((t) => `${t.name}[${t.argument}]`).join(', ');
    const repaired = prompt.replace(/\nAction:$/, `\n(Choose one of ${forms}.)\nAction:`);
    const second = yield* ask({
      role: 'plan',
      purpose: 'repair',
      prompt: repaired,
      stop: stops.tool,
      maxTokens: options.maxTokens.action,
      sampling: state.sampling(0),
    });
    const again = resolveToolName(firstLine(second.text), plannable);
    if (again !== undefined) return { name: again.name, parse: 'repaired', rule: 'asked again' };
  }
  const raw = firstLine(first.text).trim();
  return { name: raw === '' ? '(none)' : raw.slice(0, 200), parse: 'failed', rule: 'unknown tool' };
}

/** The tool agent fills in the argument of the tool that the plan agent named. */
function* fillArgument(state: PlanningState, thought: string, tool: string): Yielded<Read> {
  const { context, question, options } = state.input;
  const answer = yield* ask({
    role: 'tool',
    purpose: 'argument',
    prompt: agentPrompt(context, question, state.steps, { kind: 'argument', thought, tool }),
    stop: stops.argument,
    maxTokens: options.maxTokens.action,
    sampling: state.sampling(),
  });
  const read = readArgument(answer.text);
  return { text: read.argument, parse: read.argument === '' ? 'failed' : read.rule === undefined ? 'ok' : 'repaired' };
}

/** Records an answer; when it will be judged, the observation says so. */
export function* giveAnswer(
  state: PlanningState,
  thought: string,
  answer: string,
  parse: TrajectoryStep['parse'],
  judged: boolean,
): Yielded<void> {
  state.answers.push({ text: answer, step: state.step });
  yield* note({ step: state.step, role: 'plan', kind: 'answer', text: answer });
  const observation = judged ? loopObservations.answerGiven : loopObservations.answerTaken;
  yield* state.record({ thought, tool: 'Finish', argument: answer, observation, by: 'plan', parse, outcome: 'loop' });
}

/** The reflect agent judges the last answer. Anything but "right" is a rejection, as in the published loop. */
export function* reflect(state: PlanningState, role: Role): Yielded<boolean> {
  const { context, question, options } = state.input;
  const thought = yield* think(state, role, 'reflection');
  const answer = yield* ask({
    role,
    purpose: 'verdict',
    prompt: agentPrompt(context, question, state.steps, { kind: 'verdict', thought }),
    stop: stops.verdict,
    maxTokens: options.maxTokens.action,
    sampling: state.sampling(),
  });
  const verdict = parseVerdict(answer.text);
  const word = verdict.right ? 'right' : 'wrong';
  const last = state.answers.at(-1);
  if (last !== undefined) state.answers[state.answers.length - 1] = { ...last, verdict: word };
  const parse = verdict.legible ? 'ok' : 'repaired';
  yield* note({
    step: state.step,
    role,
    kind: 'verdict',
    text: word,
    parse,
    ...(verdict.legible
      ? {}
      : { reason: `"${verdict.text.slice(0, 80)}" is neither right nor wrong; it counts as wrong` }),
  });
  const observation = verdict.right ? loopObservations.judgedRight : loopObservations.judgedWrong;
  yield* state.record({ thought, tool: 'Reflect', argument: word, observation, by: 'reflect', parse, outcome: 'loop' });
  return verdict.right;
}

export function worse(a: TrajectoryStep['parse'], b: TrajectoryStep['parse']): TrajectoryStep['parse'] {
  const order = ['ok', 'repaired', 'failed'] as const;
  return order[Math.max(order.indexOf(a), order.indexOf(b))] ?? 'failed';
}
