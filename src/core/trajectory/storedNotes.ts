import type { TraceNote } from '../run/request.ts';
import type { StoredTrajectory } from './storedTrajectory.ts';
import { haltText } from './transcript.ts';

/**
 * The notes that a run would have written for a stored trajectory, so that imported ones are rendered, folded, searched
 * and compared by what does so for a run's.
 */
export function notesOf(trajectory: Pick<StoredTrajectory, 'steps' | 'halt'>): TraceNote[] {
  const notes: TraceNote[] = [];
  for (const [i, taken] of trajectory.steps.entries()) {
    const step = i + 1;
    const { thought, tool, argument, observation, by, parse, action } = taken;
    if (by === 'reflect') {
      notes.push({ step, role: 'reflect', kind: 'reflection', text: thought });
      const legible = action === undefined && /^(?:right|wrong)$/i.test(argument);
      notes.push({
        step,
        role: 'reflect',
        kind: 'verdict',
        text: argument.toLowerCase() === 'right' ? 'right' : 'wrong',
        parse: legible ? 'ok' : 'repaired',
        ...(legible ? {} : { reason: `"${(action ?? argument).slice(0, 80)}" counts as wrong` }),
      });
    } else {
      notes.push({ step, role: 'plan', kind: 'thought', text: thought });
      notes.push(
        action === undefined
          ? { step, role: 'plan', kind: 'action', text: `${tool}[${argument}]`, tool, argument, parse }
          : { step, role: 'plan', kind: 'action', text: action, parse, reason: 'not of the form Tool[argument]' },
      );
      if (tool === 'Finish') notes.push({ step, role: 'plan', kind: 'answer', text: argument });
    }
    notes.push({ step, role: 'environment', kind: 'observation', text: observation });
  }
  if (trajectory.halt !== undefined) {
    const last = trajectory.steps.length;
    notes.push({
      step: last,
      role: 'environment',
      kind: 'halt',
      text: haltText(trajectory.halt, last),
      reason: trajectory.halt,
    });
  }
  return notes;
}
