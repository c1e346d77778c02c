import { Judge } from '../../evaluate/judge.ts';
import { scoreRows } from '../../evaluate/questionScores.ts';
import type { AgentContext } from '../../methods/agentPrompt.ts';
import type { TrainedAdapter } from '../../ports/pipeline.ts';
import { toPublic } from '../../task/question.ts';
import { judgeOptions, type PipelineContext } from '../context.ts';
import { evaluateSystem, evaluationQuestions, systemOf, type SystemAnswers } from '../evaluation.ts';
import { StageError } from './stage.ts';

/** Lets each system answer the evaluation questions, and scores them. */
export async function evaluate(
  context: PipelineContext,
  agent: AgentContext,
  adapters: readonly TrainedAdapter[],
): Promise<SystemAnswers[]> {
  const { settings, tracker, ports, task } = context;
  const questions = evaluationQuestions(context.questions, settings.evaluation.perLevel, settings.seed, task.levels);
  if (questions.length === 0)
    throw new StageError(
      'evaluation',
      'the task has no evaluation questions; name a file under "questions" in the task card',
    );
  const judge = new Judge(task.metric, questions, judgeOptions(context));
  if (task.metric === 'choice' && context.mode.lenientChoice)
    tracker.notice(
      'warning',
      'Reference mode counts an answer that names no option as the one with the most words in common, the first on a tie, as the published code does: silence earns what option A earns.',
    );
  tracker.begin('evaluation', questions.length * settings.evaluation.samples * settings.evaluation.systems.length);
  const all: SystemAnswers[] = [];
  for (const id of settings.evaluation.systems) {
    const system = systemOf(id, settings);
    tracker.setActivity('evaluation', `${system.title} answers ${questions.length} questions`);
    const answers = await evaluateSystem(context, agent, system, questions.map(toPublic), adapters);
    ports.store.writeRows(`evaluation/${id}.jsonl`, answers.rows);
    ports.store.writeRows(`evaluation/${id}.scores.jsonl`, scoreRows(answers.rows, judge));
    all.push(answers);
    tracker.counts(
      'evaluation',
      Object.fromEntries(all.map((a) => [a.system.title, a.rows.filter((r) => r.error === undefined).length])),
    );
  }
  return all;
}
