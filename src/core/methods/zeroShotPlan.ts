import { ask, note } from '../run/ask.ts';
import type { Method, Role } from '../run/request.ts';
import { parseAction, type ParsedAction } from '../trajectory/parseAction.ts';
import { stops } from '../trajectory/transcript.ts';
import type { Trajectory } from '../trajectory/trajectory.ts';
import { agentPrompt } from './agentPrompt.ts';
import { giveAnswer, reflect } from './groupPlan.ts';
import { PlanningState, type PlanningInput, type Yielded } from './planning.ts';
import { publishedLoop } from './publishedLoop.ts';
import { think } from './think.ts';

/**
 * One agent does everything, without demonstrations: thought, whole action line, reflection. This is how the Meta-Agent
 * synthesises trajectories (paper section 2.3), and a baseline of its own (methods 2.8).
 */
export function* zeroShotPlan(input: PlanningInput, role: Role = 'meta'): Method<Trajectory> {
  if (input.options.mode.publishedLoop) return yield* publishedLoop(input, { kind: 'single', role });
  const state = new PlanningState(input);
  const { options } = input;
  let reflections = 0;
  while (state.steps.length < options.maxSteps) {
    if (agentPrompt(input.context, input.question, state.steps, { kind: 'thought' }).length > options.maxPromptChars) {
      return yield* state.halt('context');
    }
    const thought = yield* think(state, role);
    const action = yield* chooseAction(state, role, thought);
    yield* note({
      step: state.step,
      role,
      kind: 'action',
      text: `${action.tool}[${action.argument}]`,
      tool: action.tool,
      argument: action.argument,
      parse: action.parse,
      ...(action.rule === undefined ? {} : { reason: action.rule }),
    });
    if (action.tool !== 'Finish' || action.parse === 'failed') {
      yield* state.act(thought, action.tool === '' ? '(none)' : action.tool, action.argument, action.parse);
      continue;
    }
    const judged = reflections < options.maxReflections;
    yield* giveAnswer(state, thought, action.argument, action.parse, judged);
    if (!judged) return state.trajectory(true);
    reflections++;
    if (yield* reflect(state, role)) return state.trajectory(true);
  }
  return yield* state.halt('steps');
}

function* chooseAction(state: PlanningState, role: Role, thought: string): Yielded<ParsedAction> {
  const { context, question, options } = state.input;
  const prompt = agentPrompt(context, question, state.steps, { kind: 'tool', thought });
  const plannable = state.legalTools.filter((t) => t.name !== 'Reflect');
  const maxTokens = options.maxTokens.action;
  const first = yield* ask({
    role,
    purpose: 'action',
    prompt,
    stop: stops.argument,
    maxTokens,
    sampling: state.sampling(),
  });
  const parsed = parseAction(first.text, plannable);
  if (parsed.parse !== 'failed' || !options.mode.repairPrompt) return parsed;
  const forms = plannable.map((t) => `${t.name}[${t.argument}]`).join(', ');
  const second = yield* ask({
    role,
    purpose: 'repair',
    prompt: prompt.replace(/\nAction:$/, `\n(Choose one of ${forms}.)\nAction:`),
    stop: stops.argument,
    maxTokens,
    sampling: state.sampling(0),
  });
  const again = parseAction(second.text, plannable);
  return again.parse === 'failed' ? parsed : { ...again, parse: 'repaired', rule: 'asked again' };
}
