import { ask, note } from '../run/ask.ts';
import type { Role } from '../run/request.ts';
import { cleanThought } from '../trajectory/parseAction.ts';
import { stops } from '../trajectory/transcript.ts';
import { agentPrompt } from './agentPrompt.ts';
import type { PlanningState, Yielded } from './planning.ts';

/** Asks a role for the thought of the next step. */
export function* think(state: PlanningState, role: Role, kind: 'thought' | 'reflection' = 'thought'): Yielded<string> {
  const { context, question, options } = state.input;
  const answer = yield* ask({
    role,
    purpose: 'thought',
    prompt: agentPrompt(context, question, state.steps, { kind: 'thought' }),
    stop: stops.thought,
    maxTokens: options.maxTokens.thought,
    sampling: state.sampling(),
  });
  const thought = cleanThought(answer.text, options.mode.cutAtLabelWords);
  yield* note({
    step: state.step,
    role,
    kind,
    text: thought,
    parse: thought === '' ? 'failed' : answer.finish === 'length' ? 'repaired' : 'ok',
    ...(answer.finish === 'length' ? { reason: 'cut at the token limit' } : {}),
  });
  return thought;
}
