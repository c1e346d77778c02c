import type { Labels } from '../labels.ts';
import type { Presentation, StudyItem, StudyPlan } from '../prepare.ts';
import type { Choice } from '../records.ts';

/**
 * Labels for and from other tools. All three forms name candidates by the names that mean nothing, so that exported
 * work stays blind; what is imported gets ids made of its content, so that importing it again adds nothing.
 */

export const exchangeFormats = ['csv', 'label-studio', 'argilla'] as const;
export type ExchangeFormat = (typeof exchangeFormats)[number];

export interface ExchangeInput {
  readonly plan: StudyPlan;
  readonly items: readonly StudyItem[];
  readonly labels: ReadonlyMap<string, Labels>;
}

export interface LabelRow {
  readonly rater: string;
  readonly presentation: Presentation;
  readonly repeat: boolean;
  readonly choice: Choice;
}

/** Every choice of a finished or unfinished item, by rater and in the order of the rater's list. */
export function rows({ plan, labels }: ExchangeInput): LabelRow[] {
  return plan.raters.flatMap(({ name, presentations }) =>
    presentations.flatMap((presentation, i) => {
      const repeat = presentations.slice(0, i).some((p) => p.unit === presentation.unit);
      return plan.aspects.flatMap(({ id }) => {
        const choice = labels.get(name)?.choices.get(presentation.id)?.get(id);
        return choice === undefined ? [] : [{ rater: name, presentation, repeat, choice }];
      });
    }),
  );
}

export function unitsOf(plan: StudyPlan): Presentation[] {
  const units = new Map<string, Presentation>();
  for (const { presentations } of plan.raters)
    for (const p of presentations) if (!units.has(p.unit)) units.set(p.unit, p);
  return [...units.values()];
}

export function textOf(items: ReadonlyMap<string, StudyItem>, unit: Presentation, candidate: string): string {
  const found = items.get(unit.item)?.candidates.find((c) => c.id === candidate);
  return (found?.steps ?? [])
    .map(
      (s, i) =>
        `${i + 1}. ${s.thought}\n   ${s.action}[${s.argument}]${s.observation === '' ? '' : `\n   ${s.observation}`}`,
    )
    .join('\n');
}

/** How other tools' forms call the choice that none is acceptable. */
export const none = '(none)';
