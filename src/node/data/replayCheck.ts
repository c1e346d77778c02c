import { replayPublished } from '../../core/data/replayPublished.ts';
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
  const template = loadPrompts(promptsFolder).get('agent');
  if (template === undefined) throw new TaskError('data', 'The prompt "agent" is missing.', 'Reinstall AutoAct.');
  return (row) => {
    const { differences } = replayPublished(row, {
      key: row.trajectory.id,
      question: row.trajectory.question,
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
    return differences.length === 0 ? undefined : `a replay in reference mode differs (${differences[0] ?? ''})`;
  };
}
