import * as l10n from '@vscode/l10n';
import { systemTable } from '../../core/methods/systems.ts';
import type { LogReader } from '../../node/store/logReader.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { readProducts } from './products.ts';
import { provenanceText } from './provenanceText.ts';

const adaptersBySystem = Object.fromEntries(
  Object.values(systemTable).map((system) => [
    system.id,
    system.adapters === undefined ? [] : Object.values(system.adapters),
  ]),
);

/** The provenance of an id from the run's products and log. */
export async function provenanceDocument(run: RunRecord, log: LogReader, id: string): Promise<string> {
  const calls = new Map<string, { role: string; model: string; calls: number }>();
  for (const entry of await log.entries(id, 'answer')) {
    if (!('asked' in entry) || !('role' in entry.asked)) continue;
    const { role, model = l10n.t('unnamed model') } = entry.asked;
    const known = calls.get(`${role}\n${model}`);
    if (known === undefined) calls.set(`${role}\n${model}`, { role, model, calls: 1 });
    else known.calls += 1;
  }
  const droppedPairs = (await log.entries('selfInstruct/0', 'note')).flatMap((entry) =>
    'note' in entry && entry.note.kind === 'dropped'
      ? [{ text: entry.note.text, reason: entry.note.reason ?? 'no reason recorded', round: entry.note.step }]
      : [],
  );
  const products = { ...(await readProducts(run.folder)), droppedPairs };
  return provenanceText({ run: run.id, id, products, adaptersBySystem, models: [...calls.values()] });
}
