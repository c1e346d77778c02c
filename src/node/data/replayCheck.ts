import { replayPublished } from '../../core/data/replayPublished.ts';
import type { PlanningInput } from '../../core/methods/planning.ts';
import type { PublishedRow } from '../../core/data/publishedTrajectory.ts';
import { modes } from '../../core/pipeline/mode.ts';
import { referenceSettings } from '../../core/pipeline/settings.ts';
import { lookupTools } from '../../core/tools/library.ts';
import { loadPrompts } from '../store/prompts.ts';
import { TaskError } from '../store/taskError.ts';

/**
 * A check for imported trajectories: replays each in reference mode.
 * @param promptsFolder of the product
 * @returns what differs, or undefined when step, halt, verdict and score are the same
 */
export function replayCheck(promptsFolder: string): (row: PublishedRow) => string | undefined {
  const inputOf = publishedInput(promptsFolder);
  return (row) => {
    const { differences } = replayPublished(row, inputOf(row.trajectory));
    return differences.length === 0 ? undefined : `a replay in reference mode differs (${differences[0] ?? ''})`;
  };
}

/** What the reference loop is started with, for a trajectory of the published code. @throws TaskError */
export function publishedInput(
  promptsFolder: string,
): (trajectory: Pick<PublishedRow['trajectory'], 'id' | 'question'>) => PlanningInput {
  const template = loadPrompts(promptsFolder).get('agent');
  if (template === undefined) throw new TaskError('data', 'The prompt "agent" is missing.', 'Reinstall AutoAct.');
  return ({ id, question }) => ({
    key: id,
    question,
    context: { template, description: '', tools: lookupTools },
    options: {
      mode: modes.reference,
      maxSteps: 10,
      maxReflections: 1,
      maxPromptChars: referenceSettings.maxPromptChars,
      maxTokens: referenceSettings.maxTokens,
      sampling: { temperature: 0, topP: 1, topK: 0 },
      seed: 0,
    },
  });
}
