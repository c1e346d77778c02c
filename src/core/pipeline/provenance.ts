import * as z from 'zod';

/**
 * Provenance, both ways: seed example, database instance, trajectory, training row, adapter, evaluation answer. The ids
 * in the products carry the chain; this reads it. Products are read loosely, since people may look at half-written runs.
 */
export interface ProvenanceProducts {
  readonly database: readonly unknown[];
  readonly trajectories: readonly unknown[];
  /** Rows by adapter name. */
  readonly training: Readonly<Record<string, readonly unknown[]>>;
  readonly adapters: readonly unknown[];
  /** Answer rows by system. */
  readonly evaluation: Readonly<Record<string, readonly unknown[]>>;
  /** Notes of the self-instruct item, for pairs that were dropped. */
  readonly droppedPairs: readonly { readonly text: string; readonly reason: string; readonly round: number }[];
}

export interface Explanation {
  readonly id: string;
  readonly kind:
    'instance' | 'trajectory' | 'training row' | 'adapter' | 'evaluation answer' | 'seed example' | 'dropped pair';
  readonly facts: readonly string[];
  /** Ids that this one comes from. */
  readonly from: readonly string[];
  /** Ids that come from this one. */
  readonly to: readonly string[];
}

const Instance = z.object({
  id: z.string(),
  question: z.string(),
  answer: z.string(),
  source: z.object({ round: z.number(), examples: z.array(z.string()), passages: z.array(z.string()) }),
});
const Kept = z.object({
  id: z.string(),
  instance: z.string(),
  correct: z.boolean(),
  reward: z.number(),
  kept: z.boolean(),
  reason: z.string().optional(),
  human: z
    .object({
      verdict: z.string(),
      raters: z.array(z.string()),
      edited: z.object({ step: z.number(), record: z.string(), from: z.string() }).optional(),
    })
    .optional(),
});
const Row = z.object({ id: z.string(), trajectory: z.string(), kind: z.string() });
const Adapter = z.object({ name: z.string(), model: z.string(), sha256: z.string() });
const AnswerOf = z.object({
  questionId: z.string(),
  system: z.string(),
  trajectory: z.string(),
  prediction: z.string(),
});

const read = <T>(schema: z.ZodType<T>, rows: readonly unknown[]): T[] =>
  rows.flatMap((row) => {
    const parsed = schema.safeParse(row);
    return parsed.success ? [parsed.data] : [];
  });

function humanFact({ verdict, raters, edited }: NonNullable<z.infer<typeof Kept>['human']>): string {
  const who = raters.join(', ');
  return edited === undefined
    ? `Judged by ${who}: ${verdict}.`
    : `Edited by hand: step ${edited.step}, by ${who} (record ${edited.record}).`;
}

/** Explains an id; for text that is no id, dropped pairs that contain it. Empty when nothing is known. */
export function explain(
  id: string,
  products: ProvenanceProducts,
  adaptersBySystem: Readonly<Record<string, readonly string[]>>,
): Explanation[] {
  const instances = read(Instance, products.database);
  const trajectories = read(Kept, products.trajectories);
  const training = Object.entries(products.training).flatMap(([adapter, rows]) =>
    read(Row, rows).map((row) => ({ ...row, adapter })),
  );
  const adapters = read(Adapter, products.adapters);
  const answers = Object.values(products.evaluation).flatMap((rows) => read(AnswerOf, rows));
  const found: Explanation[] = [];

  if (/^seed-\d+$/.test(id)) {
    const to = instances.filter((i) => i.source.examples.includes(id)).map((i) => i.id);
    found.push({ id, kind: 'seed example', facts: [`Shown when ${to.length} instances were written.`], from: [], to });
  }
  for (const i of instances.filter((one) => one.id === id)) {
    found.push({
      id,
      kind: 'instance',
      facts: [
        `${i.question} = ${i.answer}`,
        `Written in round ${i.source.round}${i.source.passages.length > 0 ? ` from the pages ${i.source.passages.join(', ')}` : ''}.`,
      ],
      from: i.source.examples,
      to: [
        ...trajectories.filter((t) => t.instance === id).map((t) => t.id),
        ...instances.filter((other) => other.source.examples.includes(id)).map((other) => other.id),
      ],
    });
  }
  for (const t of trajectories.filter((one) => one.id === id)) {
    found.push({
      id,
      kind: 'trajectory',
      facts: [
        `Reward ${t.reward.toFixed(2)}, ${t.correct ? 'right' : 'wrong'} by exact match.`,
        ...(t.human === undefined ? [] : [humanFact(t.human)]),
        t.kept ? 'Kept for training.' : `Dropped: ${t.reason ?? 'no reason recorded'}.`,
      ],
      from: [t.instance, ...(t.human?.edited === undefined ? [] : [t.human.edited.from])],
      to: training.filter((row) => row.trajectory === id).map((row) => `${row.adapter}:${row.id}`),
    });
  }
  for (const row of training.filter((one) => one.id === id || `${one.adapter}:${one.id}` === id)) {
    found.push({
      id: `${row.adapter}:${row.id}`,
      kind: 'training row',
      facts: [`Teaches the ${row.adapter} agent its ${row.kind}.`],
      from: [row.trajectory],
      to: adapters.filter((a) => a.name === row.adapter).map((a) => a.model),
    });
  }
  for (const a of adapters.filter((one) => one.model === id || one.name === id)) {
    const systems = Object.entries(adaptersBySystem)
      .filter(([, names]) => names.includes(a.name))
      .map(([system]) => system);
    found.push({
      id: a.model,
      kind: 'adapter',
      facts: [`SHA-256 ${a.sha256}.`, `Answers in ${systems.join(', ') || 'no evaluated system'}.`],
      from: [...new Set(training.filter((row) => row.adapter === a.name).map((row) => row.trajectory))],
      to: answers.filter((answer) => systems.includes(answer.system)).map((answer) => answer.trajectory),
    });
  }
  for (const answer of answers.filter((one) => one.trajectory === id)) {
    const used = adaptersBySystem[answer.system] ?? [];
    found.push({
      id,
      kind: 'evaluation answer',
      facts: [`Question ${answer.questionId}, system ${answer.system}, answer "${answer.prediction}".`],
      from: adapters.filter((a) => used.includes(a.name)).map((a) => a.model),
      to: [],
    });
  }
  if (found.length > 0) return found;
  const wanted = id.toLowerCase();
  return products.droppedPairs
    .filter((pair) => pair.text.toLowerCase().includes(wanted))
    .slice(0, 20)
    .map((pair) => ({
      id: pair.text,
      kind: 'dropped pair',
      facts: [`Dropped in round ${pair.round}: ${pair.reason}.`],
      from: [],
      to: [],
    }));
}
