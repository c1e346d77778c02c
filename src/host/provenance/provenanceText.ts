import { visibleLine } from '../../core/trajectory/visible.ts';
import type { Products, Row } from './products.ts';

/**
 * Where a thing of a run came from and what became of it, as Markdown: seed example, database instance, trajectory,
 * training row, adapter, evaluation answer. Keys of items stand in backquotes; the editor makes them links.
 */

export interface ProvenanceInput {
  readonly run: string;
  readonly item: string;
  readonly products: Products;
  /** Things that self-instruct dropped, by the log. */
  readonly dropped: readonly { readonly text: string; readonly reason: string }[];
  /** Models that answered this item, by role. */
  readonly models: readonly { readonly role: string; readonly model: string; readonly calls: number }[];
}

const text = (row: Row, name: string): string | undefined => (typeof row[name] === 'string' ? row[name] : typeof row[name] === 'number' ? String(row[name]) : undefined);
const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const record = (value: unknown): Row => (typeof value === 'object' && value !== null ? (value as Row) : {});
const shown = (value: string | undefined): string => (value === undefined ? 'unknown' : visibleLine(value, 400));

export function provenanceText(input: ProvenanceInput): string {
  const [stage = ''] = input.item.split('/');
  const lines = [`# Provenance of \`${visibleLine(input.item, 200)}\``, '', `Run ${input.run}.`, ''];
  if (stage === 'synthesis') lines.push(...ofTrajectory(input));
  else if (stage === 'evaluation') lines.push(...ofEvaluation(input));
  else if (stage === 'selfInstruct') lines.push(...ofDatabase(input));
  else lines.push('Provenance follows database instances, trajectories, training rows, adapters and evaluation answers; this item is none of them.');
  if (input.models.length > 0) {
    lines.push('', '## Who answered', '', ...input.models.map(({ role, model, calls }) => `- ${visibleLine(role, 60)}: ${visibleLine(model, 200)}, ${calls} ${calls === 1 ? 'call' : 'calls'}`));
  }
  return `${lines.join('\n')}\n`;
}

function instanceLines(instance: Row): string[] {
  const source = record(instance['source']);
  const examples = list(source['examples']);
  const passages = list(source['passages']);
  return [
    `- Instance ${shown(text(instance, 'id'))}: ${shown(text(instance, 'question'))}`,
    `  - Answer in the database: ${shown(text(instance, 'answer'))}`,
    `  - Written in round ${shown(text(source, 'round'))} of \`selfInstruct/0\` (request ${shown(text(source, 'entry'))})`,
    `  - Examples shown: ${examples.length === 0 ? 'unknown' : examples.map((id) => (id.startsWith('seed-') ? `${id} (seed example ${id.slice(5)} of the task card)` : id)).join(', ')}`,
    ...(passages.length === 0 ? [] : [`  - Passages shown: ${passages.map((title) => visibleLine(title, 80)).join(', ')}`]),
  ];
}

/** The chain of instances that were shown as examples, back to the seeds; each instance once. */
function ancestors(id: string, byId: ReadonlyMap<string, Row>): string[] {
  const lines: string[] = [];
  const seen = new Set<string>([id]);
  let generation = list(record(byId.get(id)?.['source'])['examples']);
  while (generation.length > 0 && seen.size < 60) {
    const next: string[] = [];
    for (const parent of generation) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      const row = byId.get(parent);
      lines.push(row === undefined ? `- ${visibleLine(parent, 80)}: a seed example of the task card` : `- ${visibleLine(parent, 80)}: ${shown(text(row, 'question'))}`);
      next.push(...list(record(row?.['source'])['examples']));
    }
    generation = next;
  }
  return lines;
}

function fateLines(trajectory: Row | undefined, input: ProvenanceInput): string[] {
  const id = text(trajectory ?? {}, 'id') ?? input.item;
  const lines: string[] = [];
  const reason = dropReason(trajectory);
  if (trajectory === undefined) lines.push('- Not judged yet: the filter has not seen it.');
  else if (reason !== undefined) lines.push(`- **Dropped** by the filter: ${visibleLine(reason, 200)}.${reason === 'reward below 1' ? ` ${rewardSentence(trajectory)}` : ''}`);
  else lines.push(`- ${trajectory['kept'] === true ? 'Kept by the filter.' : 'In the list of trajectories.'} ${rewardSentence(trajectory)}`);
  let rows = 0;
  for (const [adapter, training] of input.products.training) {
    const own = training.filter((row) => row['trajectory'] === id);
    rows += own.length;
    if (own.length > 0) lines.push(`- ${own.length} training ${own.length === 1 ? 'row' : 'rows'} of the ${visibleLine(adapter, 40)} adapter: ${own.slice(0, 12).map((row) => shown(text(row, 'id'))).join(', ')}${own.length > 12 ? ', …' : ''}`);
  }
  if (rows === 0 && input.products.training.size > 0) lines.push('- No training row was made from it.');
  return lines;
}

function rewardSentence(trajectory: Row): string {
  const reward = trajectory['reward'];
  return typeof reward === 'number' ? `Reward ${reward.toFixed(2)} against the database's answer.` : '';
}

/** Why the filter dropped a trajectory; undefined when it did not. */
export function dropReason(trajectory: Row | undefined): string | undefined {
  if (trajectory === undefined) return undefined;
  const dropped = trajectory['dropped'] ?? (trajectory['kept'] === false ? (trajectory['reason'] ?? 'no reason given') : undefined);
  return typeof dropped === 'string' ? dropped : undefined;
}

function ofTrajectory(input: ProvenanceInput): string[] {
  const { products } = input;
  const trajectory = products.trajectories.find((row) => row['id'] === input.item);
  const instanceId = text(trajectory ?? {}, 'instance') ?? input.item.split('/')[1] ?? '';
  const byId = new Map(products.database.map((row) => [text(row, 'id') ?? '', row]));
  const instance = byId.get(instanceId);
  return [
    '## Where it came from', '',
    ...(instance === undefined ? [`- Instance ${visibleLine(instanceId, 80)} is not in the database file yet.`] : instanceLines(instance)),
    ...(instance === undefined ? [] : ['', 'Behind its examples:', '', ...ancestors(instanceId, byId)]),
    '', '## What became of it', '',
    ...fateLines(trajectory, input),
    ...adapterLines(products),
  ];
}

function adapterLines(products: Products): string[] {
  if (products.adapters.length === 0) return [];
  const systems = [...products.evaluation.keys()].filter((name) => !name.includes('.'));
  return [`- Adapters trained in this run: ${products.adapters.map((name) => visibleLine(name, 60)).join(', ')}`, ...(systems.length === 0 ? [] : [`- Evaluated as: ${systems.map((name) => visibleLine(name, 60)).join(', ')}`])];
}

function ofEvaluation(input: ProvenanceInput): string[] {
  const { products, item } = input;
  const system = item.split('/')[1] ?? '';
  const answer = products.evaluation.get(system)?.find((row) => row['trajectory'] === item);
  const lines = ['## The answer', ''];
  if (answer === undefined) lines.push('- Not in the evaluation file yet.');
  else {
    lines.push(`- Question ${shown(text(answer, 'questionId'))}, level ${shown(text(answer, 'level'))}, sample ${shown(text(answer, 'sample'))}`);
    lines.push(`- Answered: ${shown(text(answer, 'prediction'))}`);
  }
  lines.push('', '## What the system was trained on', '');
  if (products.training.size === 0) lines.push('- No training data in this run yet.');
  for (const [adapter, rows] of products.training) {
    const trajectories = new Set(rows.map((row) => text(row, 'trajectory') ?? ''));
    lines.push(`- ${visibleLine(adapter, 40)} adapter: ${rows.length} rows from ${trajectories.size} trajectories`);
    for (const id of [...trajectories].slice(0, 20)) lines.push(`  - \`${visibleLine(id, 200)}\``);
    if (trajectories.size > 20) lines.push(`  - … and ${trajectories.size - 20} more, in training/${visibleLine(adapter, 40)}.jsonl`);
  }
  return lines;
}

function ofDatabase(input: ProvenanceInput): string[] {
  const { database, trajectories } = input.products;
  const byInstance = new Map<string, Row[]>();
  for (const row of trajectories) {
    const id = text(row, 'instance') ?? '';
    byInstance.set(id, [...(byInstance.get(id) ?? []), row]);
  }
  const lines = ['## What it wrote', '', `${database.length} instances were kept and ${input.dropped.length} dropped.`, ''];
  for (const instance of database.slice(0, 300)) {
    lines.push(...instanceLines(instance));
    for (const row of byInstance.get(text(instance, 'id') ?? '') ?? []) {
      const reason = dropReason(row);
      lines.push(`  - Trajectory \`${shown(text(row, 'id'))}\`: ${reason === undefined ? 'kept' : `dropped, ${visibleLine(reason, 120)}`}`);
    }
  }
  if (database.length > 300) lines.push(`- … and ${database.length - 300} more, in database.jsonl`);
  if (input.dropped.length > 0) lines.push('', '## What was dropped', '', ...input.dropped.slice(0, 300).map(({ text: what, reason }) => `- ${visibleLine(what, 300)} (${visibleLine(reason, 120)})`));
  return lines;
}
