import type { LogReader } from '../../node/store/logReader.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { droppedThings } from '../runs/trajectories.ts';
import { readProducts } from './products.ts';
import { provenanceText } from './provenanceText.ts';

/** The provenance of an item from the run's products and log. */
export async function provenanceDocument(run: RunRecord, log: LogReader, item: string): Promise<string> {
  const calls = new Map<string, { role: string; model: string; calls: number }>();
  for (const entry of await log.entries(item, 'answer')) {
    if (!('asked' in entry) || !('role' in entry.asked)) continue;
    const { role, model = 'unnamed model' } = entry.asked;
    const known = calls.get(`${role}\n${model}`);
    if (known === undefined) calls.set(`${role}\n${model}`, { role, model, calls: 1 });
    else known.calls += 1;
  }
  const dropped = item.startsWith('selfInstruct/') ? await droppedThings(run, log, 'selfInstruct') : [];
  return provenanceText({ run: run.id, item, products: await readProducts(run.folder), dropped, models: [...calls.values()] });
}
