import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProvenanceProducts } from '../../core/pipeline/provenance.ts';

/** A line of one of a run's readable products, as loosely as the views need it. */
export type Row = Readonly<Record<string, unknown>>;

const suffix = '.jsonl';
const scoresSuffix = '.scores.jsonl';

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null;
}

/** What links a run's parts by id. Files that do not exist yet are empty. */
export async function readProducts(folder: string): Promise<Omit<ProvenanceProducts, 'droppedPairs'>> {
  return {
    database: await readRows(join(folder, 'database.jsonl')),
    trajectories: await readRows(join(folder, 'trajectories.jsonl')),
    training: await readFolder(join(folder, 'training')),
    evaluation: await readFolder(join(folder, 'evaluation')),
    adapters: await readArray(join(folder, 'adapters.json')),
  };
}

export async function readRows(file: string): Promise<Row[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return isRow(value) ? [value] : [];
    } catch {
      return []; // an empty or torn line
    }
  });
}

async function readFolder(folder: string): Promise<Record<string, Row[]>> {
  const files = (await names(folder)).filter((name) => name.endsWith(suffix) && !name.endsWith(scoresSuffix));
  return Object.fromEntries(
    await Promise.all(
      files.map(async (name) => [name.slice(0, -suffix.length), await readRows(join(folder, name))] as const),
    ),
  );
}

async function readArray(file: string): Promise<unknown[]> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return Array.isArray(value) ? (value as unknown[]) : [];
  } catch {
    return [];
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return [];
  }
}

/** Why the filter dropped a trajectory; undefined when it did not. */
export function dropReason(trajectory: Row): string | undefined {
  if (trajectory['kept'] !== false) return undefined;
  return typeof trajectory['reason'] === 'string' ? trajectory['reason'] : 'no reason recorded';
}

/** Levels of a run's evaluation questions, by the key of the item that answers them. */
export async function readLevels(folder: string): Promise<Map<string, string>> {
  const levels = new Map<string, string>();
  for (const rows of Object.values(await readFolder(join(folder, 'evaluation'))))
    for (const { trajectory, level } of rows)
      if (typeof trajectory === 'string' && typeof level === 'string') levels.set(trajectory, level);
  return levels;
}

/** Rewards and scores by item, 0..1, as far as they have been written. Read again only when a file has changed. */
export class Scores {
  private readonly cache = new Map<string, { readonly mtime: number; readonly scores: ReadonlyMap<string, number> }>();

  async of(folder: string): Promise<ReadonlyMap<string, number>> {
    const files = (await names(join(folder, 'evaluation'))).filter((name) => name.endsWith(scoresSuffix));
    const paths = [join(folder, 'trajectories.jsonl'), ...files.map((name) => join(folder, 'evaluation', name))];
    const all = new Map<string, number>();
    for (const path of paths) for (const [item, score] of await this.read(path)) all.set(item, score);
    return all;
  }

  private async read(path: string): Promise<ReadonlyMap<string, number>> {
    const mtime = await stat(path).then(
      (stats) => stats.mtimeMs,
      () => undefined,
    );
    if (mtime === undefined) return new Map();
    const known = this.cache.get(path);
    if (known?.mtime === mtime) return known.scores;
    const scores = new Map<string, number>();
    for (const row of await readRows(path)) {
      if (typeof row['id'] === 'string' && typeof row['correct'] === 'boolean') {
        scores.set(
          row['id'],
          row['correct'] ? 1 : typeof row['reward'] === 'number' ? Math.min(row['reward'], 0.99) : 0,
        );
      } else if (typeof row['score'] === 'number') {
        scores.set(
          `evaluation/${String(row['system'])}/${String(row['questionId'])}/${String(row['sample'])}`,
          row['score'],
        );
      }
    }
    this.cache.set(path, { mtime, scores });
    return scores;
  }
}
