import type { PromptTemplate } from '../prompts/template.ts';
import { renderPrompt } from '../prompts/template.ts';
import { renderActionList, type ToolDescription } from '../tools/library.ts';
import { renderCue, renderSteps, type Cue } from '../trajectory/transcript.ts';
import type { TrajectoryStep } from '../trajectory/trajectory.ts';

/** What an agent reads that does not change while a question is worked on. */
export interface AgentContext {
  readonly template: PromptTemplate;
  readonly description: string;
  /** The selected tools, without Finish and Reflect. */
  readonly tools: readonly ToolDescription[];
}

/**
 * The text that an agent is asked to continue: instruction, question, history, cue. Inference and training data both
 * come from here. For one role, each prompt of a question extends the one before it, up to the cue, so that servers
 * reuse what they have computed.
 */
export function agentPrompt(
  context: AgentContext,
  question: string,
  steps: readonly TrajectoryStep[],
  cue: Cue,
): string {
  return agentHistory(context, question, steps) + renderCue(cue);
}

/** The same without a cue: what a whole trajectory looks like to a model. */
export function agentHistory(context: AgentContext, question: string, steps: readonly TrajectoryStep[]): string {
  const head = renderPrompt(context.template, {
    description: context.description,
    tools: renderActionList(context.tools),
    question: question.replace(/\s+/g, ' ').trim(),
    transcript: '',
  });
  return (
    head +
    renderSteps(
      steps.map((s) => ({
        thought: s.thought,
        action: { tool: s.tool, argument: s.argument },
        observation: s.observation,
      })),
    )
  );
}
