import { Judge } from '../../evaluate/judge.ts';
import { buildReport, type Provenance, type Report } from '../../evaluate/report.ts';
import { renderReport } from '../../evaluate/reportMarkdown.ts';
import { systemScores } from '../../evaluate/systemScores.ts';
import { expectedFromPaper, systemTable } from '../../methods/systems.ts';
import type { TrainedAdapter } from '../../ports/pipeline.ts';
import { createRandom } from '../../run/random.ts';
import { toPublic } from '../../task/question.ts';
import { judgeOptions, targetOf, type PipelineContext } from '../context.ts';
import { evaluationQuestions, type SystemAnswers } from '../evaluation.ts';

/** Roles that the editor's language models played: no seed was sent, and the model behind a name may change. */
function notReproducible(settings: PipelineContext['settings']): string[] {
  const ofEditor = ['meta', 'plan', 'tool', 'reflect'].flatMap((role) => {
    const { server, model } = targetOf(settings, role);
    const members = settings.pools[server] ?? [server];
    return members.some((name) => settings.servers[name]?.kind === 'vscode') ? [`${role}: ${model}`] : [];
  });
  return ofEditor.length === 0
    ? []
    : [
        `Not reproducible: language models of VS Code answered (${ofEditor.join(', ')}). They take no seed, need not heed sampling settings, and may change behind their name.`,
      ];
}

/** The table with intervals and paired tests, and everything needed to read it. */
export function report(
  context: PipelineContext,
  adapters: readonly TrainedAdapter[],
  answers: readonly SystemAnswers[],
  provenance: (models: Provenance['models']) => Provenance,
  notes: readonly string[],
): Report {
  const { settings, tracker, ports, task } = context;
  tracker.begin('report', 1);
  const questions = evaluationQuestions(context.questions, settings.evaluation.perLevel, settings.seed, task.levels);
  const judge = new Judge(task.metric, questions, judgeOptions(context));
  const { systems } = settings.evaluation;
  const ablation = systems.some((id) => id.startsWith('no-'));
  // Ablations are read against the full system, everything else against the untrained base.
  const reference = ablation && systems.includes('autoact') ? 'autoact' : (systems[0] ?? 'zero-shot');
  const random = createRandom(settings.seed).fork('statistics');
  const roles = ['plan', 'tool', 'reflect'].map((role) => ({ role, ...targetOf(settings, role) }));
  const built = buildReport({
    title: `${task.name}: ${ablation ? 'ablations' : 'results'}`,
    task: task.name,
    protocol: settings.evaluation.protocol,
    samples: settings.evaluation.samples,
    questions: questions.map(toPublic),
    judge,
    systems: answers.map(({ system, rows }) => {
      // A role map of the user's own makes a system that is none of the paper's.
      const ofPaper = reference === 'autoact' && system.title === systemTable[system.id].title;
      const expected = ofPaper ? expectedFromPaper(system.id) : undefined;
      return { id: system.id, title: system.title, rows, ...(expected === undefined ? {} : { expected }) };
    }),
    reference,
    provenance: provenance([
      ...roles,
      ...adapters.map((a) => ({
        role: a.name,
        server: targetOf(settings, a.name).server,
        model: a.model,
        hash: a.sha256,
      })),
    ]),
    notes: [...notes, ...notReproducible(settings)],
    statisticsSeed: settings.seed,
    random: (purpose) => random.fork(purpose),
  });
  ports.store.writeText('report.json', `${JSON.stringify(built, null, 2)}\n`);
  ports.store.writeText('report.md', renderReport(built));
  tracker.results(systemScores(built));
  tracker.progress('report', 1);
  return built;
}
