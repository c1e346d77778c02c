import { tokenF1, exactMatch } from '../evaluate/normalise.ts';
import { groupPlan } from '../methods/groupPlan.ts';
import type { PlanningInput } from '../methods/planning.ts';
import type { Answer, Request } from '../run/request.ts';
import type { Trajectory } from '../trajectory/trajectory.ts';
import type { PublishedRow, PublishedStep } from './publishedTrajectory.ts';

/** Where a replay and its recording part; empty when they agree in every step, halt, verdict and score. */
export interface Replay {
  readonly trajectory: Trajectory | undefined;
  readonly differences: readonly string[];
}

/**
 * Lets our `reference` loop go through a published trajectory: models and tools answer from the recording, and the loop
 * decides on its own what is asked next, what is legal, what is judged and when it ends.
 * @param input of the loop, in `reference` mode and with Search, Retrieve and Lookup among its tools
 * @param observe is shown every request with its answer
 */
export function replayPublished(
  { trajectory: recorded, score }: PublishedRow,
  input: PlanningInput,
  observe: (request: Request, answer: Answer) => void = () => undefined,
): Replay {
  const differences: string[] = [];
  const say = (step: number, what: string): void => {
    differences.push(`step ${step}: ${what}`);
  };
  const method = groupPlan({ ...input, key: recorded.id, question: recorded.question });
  let taken = 0;
  let turn = method.next();
  while (!turn.done) {
    if (Array.isArray(turn.value)) throw new TypeError('The published loop asks one thing at a time.');
    const request = turn.value as Request;
    if (request.kind === 'note') {
      if (request.note.kind === 'observation') taken++;
      observe(request, { kind: 'noted' });
      turn = method.next({ kind: 'noted' });
      continue;
    }
    const step = recorded.steps[taken];
    if (step === undefined) {
      say(taken + 1, 'the loop goes on where the recording has ended');
      method.return(undefined as never);
      return { trajectory: undefined, differences };
    }
    const answer = answerOf(request, step, (what) => {
      say(taken + 1, what);
    });
    observe(request, answer);
    turn = method.next(answer);
  }
  const { value: replayed } = turn;
  if (replayed.steps.length < recorded.steps.length)
    say(replayed.steps.length, 'the loop ends where the recording goes on');
  for (const [i, step] of replayed.steps.entries()) {
    const other = recorded.steps[i];
    if (other === undefined) continue;
    const same = step.tool === other.tool && step.argument === other.argument;
    if (!same) say(i + 1, `${step.tool}[${step.argument}] is not ${other.tool}[${other.argument}]`);
    if (step.thought !== other.thought) say(i + 1, 'another thought');
    if (step.by !== other.by) say(i + 1, `taken by ${step.by}, recorded as ${other.by}`);
    if ((step.outcome === 'loop') !== (other.outcome === 'loop')) say(i + 1, 'another kind of observation');
    if ((step.parse === 'failed') !== (other.parse === 'failed')) say(i + 1, 'legal in one and not in the other');
  }
  if (replayed.finished !== recorded.finished || replayed.halt !== recorded.halt)
    say(replayed.steps.length, `ends ${replayed.halt ?? 'finished'}, recorded as ${recorded.halt ?? 'finished'}`);
  if (JSON.stringify(replayed.answers) !== JSON.stringify(recorded.answers))
    say(replayed.steps.length, 'other answers or verdicts');
  compareScores(replayed, score.fields, say);
  return { trajectory: replayed, differences };
}

function answerOf(request: Request, step: PublishedStep, say: (what: string) => void): Answer {
  if (request.kind === 'tool') {
    if (step.outcome === 'loop') say('a tool is called where the recording has none');
    const outcome = step.outcome === 'loop' ? 'error' : step.outcome;
    return { kind: 'observation', text: step.observation, outcome, state: request.state };
  }
  const said: Readonly<Record<string, string>> = {
    thought: step.thought,
    tool: step.tool,
    argument: `${step.argument}]`,
    verdict: step.action ?? `${step.tool}[${step.argument}]`,
  };
  const purpose = request.kind === 'complete' ? request.purpose : '';
  return {
    kind: 'completion',
    text: ` ${said[purpose] ?? ''}`,
    finish: 'stop',
    usage: { promptTokens: 0, completionTokens: 0 },
  };
}

function compareScores(
  replayed: Trajectory,
  fields: Readonly<Record<string, unknown>>,
  say: (step: number, what: string) => void,
): void {
  const gold = typeof fields['answer'] === 'string' ? fields['answer'] : '';
  const prediction = replayed.answer ?? '';
  const at = replayed.steps.length;
  if (exactMatch(prediction, gold) !== fields['correct']) say(at, 'another exact match');
  const reward = Number(fields['reward']);
  // Python and we add up in the same order; the last bit is all that may differ.
  if (Math.abs(tokenF1(prediction, gold) - reward) > 1e-12) say(at, `F1 is not ${reward}`);
}
