import type { Selection } from './dataset.ts';
import { demonstrationIds, fireActTrainingIds, paperHotpotQa, paperScienceQa } from './paperQuestions.ts';

/** What a selection is made of: the id and level of each imported question. */
export interface Known {
  readonly id: string;
  readonly level: string;
}

/**
 * Selections of a HotpotQA import with their contamination notes. The paper's sets are offered where all of their
 * questions are in the import, so that a selection never is silently smaller than its name says.
 */
export function hotpotQaSelections(questions: readonly Known[]): Selection[] {
  const have = new Set(questions.map((q) => q.id));
  const paper = Object.values(paperHotpotQa).flat();
  const selections: Selection[] = [all(questions)];
  const add = (id: string, title: string, note: string, only: readonly string[]): void => {
    if (only.length > 0 && only.every((q) => have.has(q)))
      selections.push({ id, title, note, count: only.length, only: [...only] });
  };
  const without = (list: readonly string[], gone: readonly string[]): string[] => list.filter((q) => !gone.includes(q));
  add(
    'paper',
    'The paper’s 300',
    'Easy and medium questions are from HotpotQA’s training split, not from its development split as the paper says. 6 of the 300 are demonstrations in prompt files of compared systems, and 44 are in FireAct’s training data.',
    paper,
  );
  add(
    'clean',
    'The paper’s 300 without demonstrations',
    'Without the 6 questions that are demonstrations in the prompt files of ReAct, BOLAA, ReWOO, FireAct or Reflexion. For comparisons that include FireAct take clean-fireact.',
    without(paper, demonstrationIds),
  );
  add(
    'clean-fireact',
    'The paper’s 300 without anything that FireAct has seen',
    'Without the 6 demonstrations and the 44 questions of FireAct’s released training set, 48 in all.',
    without(paper, [...demonstrationIds, ...fireActTrainingIds]),
  );
  add(
    'dev-only',
    'The paper’s 100 hard questions',
    'The only ones of the 300 that are in HotpotQA’s development split. 2 of them are demonstrations in Reflexion’s prompts; clean leaves those out.',
    paperHotpotQa.hard,
  );
  return selections;
}

export function scienceQaSelections(questions: readonly Known[]): Selection[] {
  const have = new Set(questions.map((q) => q.id));
  const selections = [all(questions)];
  if (paperScienceQa.every((id) => have.has(id)))
    selections.push({
      id: 'paper',
      title: 'The paper’s 360',
      note: '120 test problems of each band of grades. Grades 9–12 have no images and are language science only. Option A is right in 149 of 360.',
      count: paperScienceQa.length,
      only: [...paperScienceQa],
    });
  return selections;
}

export function all(questions: readonly Known[]): Selection {
  return { id: 'all', title: 'All questions', note: 'Everything that was imported.', count: questions.length };
}
