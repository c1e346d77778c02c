import type * as vscode from 'vscode';
import type { GoldQuestion } from '../../core/task/question.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import { counted } from '../counted.ts';
import type { TaskRecord } from '../runs/runRecord.ts';

/** Questions of a level that are items of their own; beyond that a level is one item, or the view would stand still. */
const mostItems = 2000;

/** Items of a dataset: its levels, and their questions. */
export function levelItems(
  controller: vscode.TestController,
  task: TaskRecord,
  questions: readonly GoldQuestion[],
): vscode.TestItem[] {
  const byLevel = new Map<string, GoldQuestion[]>();
  for (const question of questions) {
    const level = byLevel.get(question.level) ?? [];
    level.push(question);
    byLevel.set(question.level, level);
  }
  return [...byLevel].map(([level, list], place) => {
    const made = controller.createTestItem(`${task.file}#${level}`, level);
    made.sortText = String(place).padStart(4, '0');
    made.description = counted.questions(list.length);
    if (list.length <= mostItems)
      made.children.replace(
        list.map((question, k) => {
          const one = controller.createTestItem(
            questionItem(task.file, question.id),
            visibleLine(question.question, 200),
          );
          one.sortText = String(k).padStart(6, '0');
          return one;
        }),
      );
    return made;
  });
}

function questionItem(file: string, id: string): string {
  return `${file}#?${id}`;
}

/** The question of an item. */
export function questionId({ id }: vscode.TestItem): string {
  return id.slice(id.indexOf('#?') + 2);
}
