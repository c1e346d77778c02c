import * as z from 'zod';
import type { StudyPlan } from '../prepare.ts';
import { none, rows, textOf, unitsOf, type ExchangeInput } from './common.ts';
import { notThat, shortName, toRecords, type Given, type Imported } from './imported.ts';

/** Records as Argilla 2 writes them with `to_json`. */
export function toArgilla(input: ExchangeInput): unknown[] {
  const items = new Map(input.items.map((item) => [item.id, item]));
  const all = rows(input).filter((row) => !row.repeat);
  return unitsOf(input.plan).map((unit) => {
    const order = [...unit.order].sort();
    const own = all.filter((r) => r.presentation.unit === unit.unit);
    const responses = Object.fromEntries<unknown>(
      input.plan.aspects.flatMap(({ id }) => {
        const given = own.filter((r) => r.choice.aspect === id);
        const values = given.map(({ rater, choice }) => ({
          value: choice.best.length === 0 ? [none] : choice.best,
          user_id: rater,
        }));
        const reasons = given.flatMap(({ rater, choice }) =>
          choice.reason === undefined ? [] : [{ value: choice.reason, user_id: rater }],
        );
        return [
          ...(values.length === 0 ? [] : [[id, values] as const]),
          ...(reasons.length === 0 ? [] : [[`${id}-reason`, reasons] as const]),
        ];
      }),
    );
    return {
      id: unit.unit,
      fields: {
        question: items.get(unit.item)?.question ?? '',
        trajectories: order.map((c) => `${c}\n${textOf(items, unit, c)}`).join('\n\n'),
      },
      metadata: { candidates: order.join(' ') },
      suggestions: {},
      responses,
    };
  });
}

const ArgillaRecord = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  responses: z
    .record(
      z.string(),
      z.array(z.object({ value: z.unknown(), user_id: z.union([z.string(), z.number()]).transform(String) })),
    )
    .default({}),
});

export function fromArgilla(plan: StudyPlan, value: unknown, now: number, hash: (text: string) => string): Imported {
  const parsed = z.array(ArgillaRecord).safeParse(value);
  if (!parsed.success) throw notThat('Argilla’s records', parsed.error);
  const given = parsed.data.flatMap(({ id: unit, responses }) =>
    plan.aspects.flatMap(({ id }) =>
      (responses[id] ?? []).flatMap(({ value: chosen, user_id: user }): Given[] => {
        const names = Array.isArray(chosen) ? chosen.map(String) : [String(chosen)];
        const reason = responses[`${id}-reason`]?.find((r) => r.user_id === user)?.value;
        return [
          {
            rater: shortName(user),
            unit,
            aspect: id,
            best: names.filter((c) => c !== none),
            t: now,
            ...(typeof reason === 'string' ? { reason } : {}),
          },
        ];
      }),
    ),
  );
  return toRecords(plan, given, hash);
}
