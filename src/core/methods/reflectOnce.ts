import type { Method } from '../run/request.ts';
import type { TrajectoryStep } from '../trajectory/trajectory.ts';
import { reflect } from './groupPlan.ts';
import { PlanningState, type PlanningInput } from './planning.ts';

export interface Reflection {
  readonly thought: string;
  readonly verdict: 'right' | 'wrong';
}

/** One more reflection by the Meta-Agent on an answer that was given before; `history` ends with that answer's step. */
export function* reflectOnce(input: PlanningInput, history: readonly TrajectoryStep[]): Method<Reflection> {
  const state = new PlanningState(input);
  state.steps.push(...history);
  const right = yield* reflect(state, 'meta');
  return { thought: state.steps.at(-1)?.thought ?? '', verdict: right ? 'right' : 'wrong' };
}
