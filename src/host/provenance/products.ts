import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A line of one of a run's readable products, as loosely as provenance needs it. */
export type Row = Readonly<Record<string, unknown>>;

/** What links a run's parts by id. Files that do not exist yet are empty. */
export interface Products {
  readonly database: readonly Row[];
  readonly trajectories: readonly Row[];
  /** By adapter. */
  readonly training: ReadonlyMap<string, readonly Row[]>;
  /** By system. */
  readonly evaluation: ReadonlyMap<string, readonly Row[]>;
  readonly adapters: readonly string[];
}

export async function readProducts(folder: string): Promise<Products> {
  return {
    database: await readRows(join(folder, 'database.jsonl')),
    trajectories: await readRows(join(folder, 'trajectories.jsonl')),
    training: await readFolder(join(folder, 'training')),
    evaluation: await readFolder(join(folder, 'evaluation')),
    adapters: await names(join(folder, 'adapters')),
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
      return typeof value === 'object' && value !== null ? [value as Row] : [];
    } catch {
      return []; // an empty or torn line
    }
  });
}

async function readFolder(folder: string): Promise<Map<string, Row[]>> {
  const files = (await names(folder)).filter((name) => name.endsWith('.jsonl'));
  return new Map(await Promise.all(files.map(async (name) => [name.slice(0, -'.jsonl'.length), await readRows(join(folder, name))] as const)));
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return [];
  }
}
