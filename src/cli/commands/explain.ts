import type { Command } from 'commander';
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemTable } from '../../core/methods/systems.ts';
import { explain, type Explanation, type ProvenanceProducts } from '../../core/pipeline/provenance.ts';
import { LogFile } from '../../node/store/logFile.ts';
import { RunFolder } from '../../node/store/runFolder.ts';
import { act, printJson, type CommonOptions } from '../action.ts';
import { exitCodes } from '../exitCodes.ts';
import { runsFolder } from '../session.ts';
import { readFileSync } from 'node:fs';

const shownIds = 12;

export function addExplain(program: Command): void {
  program
    .command('explain')
    .argument('<run>', 'the run')
    .argument('<id>', 'an instance, trajectory, training row, adapter or answer; or words of a dropped question')
    .option('-w, --workspace <folder>', 'folder that holds .autoact/', '.')
    .option('--json', 'print JSON')
    .action((run: string, id: string, options: CommonOptions & { workspace: string }) =>
      act(options, () => {
        const folder = new RunFolder(runsFolder(resolve(options.workspace)), run);
        folder.record();
        const adaptersBySystem = Object.fromEntries(
          Object.values(systemTable).map((s) => [s.id, s.adapters === undefined ? [] : Object.values(s.adapters)]),
        );
        const found = explain(id, readProducts(folder), adaptersBySystem);
        if (options.json === true) printJson(found);
        else if (found.length === 0)
          process.stdout.write(
            `Nothing is known of "${id}" in run ${run}. Ids are in database.jsonl, trajectories.jsonl and training/ of its folder.\n`,
          );
        else process.stdout.write(found.map(render).join('\n'));
        return Promise.resolve(found.length === 0 ? exitCodes.input : undefined);
      }),
    );
}

function render(e: Explanation): string {
  const list = (ids: readonly string[]): string =>
    `${ids.slice(0, shownIds).join(', ')}${ids.length > shownIds ? `, and ${ids.length - shownIds} more` : ''}`;
  return [
    `${e.kind} ${e.id}`,
    ...e.facts.map((fact) => `  ${fact}`),
    ...(e.from.length === 0 ? [] : [`  comes from: ${list(e.from)}`]),
    ...(e.to.length === 0 ? [] : [`  led to:     ${list(e.to)}`]),
    '',
  ].join('\n');
}

function readProducts(folder: RunFolder): ProvenanceProducts {
  const byName = (sub: string): Record<string, unknown[]> => {
    const path = folder.file(sub);
    if (!existsSync(path)) return {};
    const names = readdirSync(path).filter((n) => n.endsWith('.jsonl') && !n.endsWith('.scores.jsonl'));
    return Object.fromEntries(names.map((n) => [n.slice(0, -'.jsonl'.length), folder.readRows(`${sub}/${n}`) ?? []]));
  };
  return {
    database: folder.readRows('database.jsonl') ?? [],
    trajectories: folder.readRows('trajectories.jsonl') ?? [],
    training: byName('training'),
    adapters: readArray(folder.file('adapters.json')),
    evaluation: byName('evaluation'),
    droppedPairs: droppedPairs(folder),
  };
}

function droppedPairs(folder: RunFolder): ProvenanceProducts['droppedPairs'] {
  if (!existsSync(folder.logPath)) return [];
  return LogFile.read(folder.logPath, 'selfInstruct/0').flatMap((entry) =>
    'note' in entry && entry.note.kind === 'dropped'
      ? [{ text: entry.note.text, reason: entry.note.reason ?? 'no reason recorded', round: entry.note.step }]
      : [],
  );
}

function readArray(path: string): unknown[] {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as unknown;
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
