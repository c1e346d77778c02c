import * as z from 'zod';
import type { StudyPlan } from '../prepare.ts';
import { none, rows, textOf, unitsOf, type ExchangeInput, type LabelRow } from './common.ts';
import { notThat, shortName, toRecords, type Given, type Imported } from './imported.ts';

/** Tasks as Label Studio imports and exports them; see also {@link labelStudioConfig}. */
export function toLabelStudio(input: ExchangeInput): unknown[] {
  const items = new Map(input.items.map((item) => [item.id, item]));
  const all = rows(input).filter((row) => !row.repeat);
  return unitsOf(input.plan).map((unit, at) => {
    const order = [...unit.order].sort();
    const byRater = new Map<string, LabelRow[]>();
    for (const row of all.filter((r) => r.presentation.unit === unit.unit))
      byRater.set(row.rater, [...(byRater.get(row.rater) ?? []), row]);
    return {
      id: at + 1,
      data: {
        unit: unit.unit,
        question: items.get(unit.item)?.question ?? '',
        candidates: [...order, none].map((value) => ({ value })),
        trajectories: order.map((c) => `${c}\n${textOf(items, unit, c)}`).join('\n\n'),
      },
      annotations: [...byRater].map(([rater, own]) => ({
        completed_by: { email: rater },
        created_at: new Date(Math.max(...own.map((r) => r.choice.t))).toISOString(),
        result: own.flatMap(({ choice }) => [
          {
            from_name: choice.aspect,
            to_name: 'trajectories',
            type: 'choices',
            value: { choices: choice.best.length === 0 ? [none] : choice.best },
          },
          ...(choice.reason === undefined
            ? []
            : [
                {
                  from_name: `${choice.aspect}-reason`,
                  to_name: 'trajectories',
                  type: 'textarea',
                  value: { text: [choice.reason] },
                },
              ]),
        ]),
      })),
    };
  });
}

/** The labelling interface that goes with the tasks. */
export function labelStudioConfig(plan: StudyPlan): string {
  const xml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const aspects = plan.aspects.map(
    ({ id, title, rubric }) => `  <Header value="${xml(title)}"/>
  <Text name="${xml(id)}-rubric" value="${xml(rubric)}"/>
  <Choices name="${xml(id)}" toName="trajectories" choice="multiple" value="$candidates"/>
  <TextArea name="${xml(id)}-reason" toName="trajectories" rows="1" maxSubmissions="1"/>`,
  );
  return `<View>
  <Header value="$question"/>
  <Text name="trajectories" value="$trajectories"/>
${aspects.join('\n')}
</View>
`;
}

const LabelStudioTask = z.object({
  data: z.object({ unit: z.string() }),
  annotations: z
    .array(
      z.object({
        completed_by: z
          .union([z.number(), z.object({ email: z.string().optional(), id: z.number().optional() })])
          .optional(),
        created_at: z.string().optional(),
        was_cancelled: z.boolean().optional(),
        result: z.array(
          z.object({
            from_name: z.string(),
            value: z.object({
              choices: z.array(z.string()).optional(),
              text: z.union([z.string(), z.array(z.string())]).optional(),
            }),
          }),
        ),
      }),
    )
    .default([]),
});

export function fromLabelStudio(
  plan: StudyPlan,
  tasks: unknown,
  now: number,
  hash: (text: string) => string,
): Imported {
  const parsed = z.array(LabelStudioTask).safeParse(tasks);
  if (!parsed.success) throw notThat('Label Studio’s tasks', parsed.error);
  const given = parsed.data.flatMap(({ data, annotations }) =>
    annotations
      .filter((a) => a.was_cancelled !== true)
      .flatMap(({ completed_by: by, created_at: at, result }): Given[] => {
        const rater = typeof by === 'object' ? (by.email ?? String(by.id ?? '')) : String(by ?? '');
        const t = Date.parse(at ?? '');
        return plan.aspects.flatMap(({ id }) => {
          const choices = result.find((r) => r.from_name === id)?.value.choices;
          if (choices === undefined) return [];
          const text = result.find((r) => r.from_name === `${id}-reason`)?.value.text;
          const reason = Array.isArray(text) ? text.join('\n') : text;
          return [
            {
              rater: shortName(rater),
              unit: data.unit,
              aspect: id,
              best: choices.filter((c) => c !== none),
              t: Number.isNaN(t) ? now : t,
              ...(reason === undefined ? {} : { reason }),
            },
          ];
        });
      }),
  );
  return toRecords(plan, given, hash);
}
