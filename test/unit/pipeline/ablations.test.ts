import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openSession, type Session } from '../../../src/cli/session.ts';
import type { Report } from '../../../src/core/evaluate/report.ts';
import { adaptersOf, systemTable } from '../../../src/core/methods/systems.ts';
import { runPipeline } from '../../../src/core/pipeline/pipeline.ts';
import type { SystemId } from '../../../src/core/pipeline/settings.ts';
import type { TrainingRow } from '../../../src/core/pipeline/trainingData.ts';
import type { Trainer } from '../../../src/core/ports/pipeline.ts';
import type { CompletionServer } from '../../doubles/completionServer.ts';
import { metaServer } from '../../doubles/metaServer.ts';
import { writeScriptedTask } from '../../doubles/scriptedTask.ts';

const systems: readonly SystemId[] = ['autoact', 'zero-shot', 'no-reflection', 'no-division', 'no-filtering'];

/** The paper's Table 2 as configurations of one pipeline; only the training itself is a double's. */
describe('ablations', () => {
  let workspace: string;
  let server: CompletionServer;
  let session: Session;
  let report: Report | undefined;
  let sets: Readonly<Record<string, readonly TrainingRow[]>> = {};
  const trainer: Trainer = {
    train: (given) => {
      sets = given;
      const probe = { ok: true, message: 'the same log-probabilities' };
      return Promise.resolve(
        Object.keys(given).map((name) => ({ name, model: `trained-${name}`, sha256: '0'.repeat(64), probe })),
      );
    },
  };

  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-ablations-'));
    server = metaServer();
    session = await openSession({
      workspace,
      taskFile: writeScriptedTask(workspace, 'parts', await server.start()),
      settings: [],
      signal: new AbortController().signal,
      publish: () => undefined,
      notify: () => undefined,
    });
    const { context } = session;
    const settings = { ...context.settings, evaluation: { ...context.settings.evaluation, systems: [...systems] } };
    report = await runPipeline({ ...context, settings, ports: { ...context.ports, trainer } }, 'report', (models) =>
      session.provenance(models),
    );
  });
  after(async () => {
    await session.close();
    await server.stop();
    rmSync(workspace, { recursive: true });
  });

  /** Models by the role that they were asked in, of all answers of a system. */
  const asked = (system: SystemId): Record<string, string[]> => {
    const found = new Map<string, Set<string>>();
    for (const question of ['q0', 'q1', 'q2', 'q3'])
      for (const entry of session.context.ports.log.entries(`evaluation/${system}/${question}/0`))
        if ('asked' in entry && 'role' in entry.asked)
          found.set(entry.asked.role, (found.get(entry.asked.role) ?? new Set()).add(entry.asked.model ?? ''));
    return Object.fromEntries([...found].map(([role, models]) => [role, [...models]]));
  };

  test('each system asks the models that its row of the table names', () => {
    const group = (model: string) => ({ plan: [model], tool: [model], reflect: [model] });
    assert.deepEqual(asked('zero-shot'), group('base'));
    assert.deepEqual(asked('autoact'), {
      plan: ['trained-plan'],
      tool: ['trained-tool'],
      reflect: ['trained-reflect'],
    });
    assert.deepEqual(asked('no-division'), group('trained-one'));
    assert.deepEqual(asked('no-filtering'), {
      plan: ['trained-plan-unfiltered'],
      tool: ['trained-tool-unfiltered'],
      reflect: ['trained-reflect-unfiltered'],
    });
    assert.deepEqual(asked('no-reflection'), { plan: ['trained-plan'], tool: ['trained-tool'] });
  });

  test('one adapter learns what the three learn, and the unfiltered ones from as many trajectories', () => {
    assert.deepEqual(Object.keys(sets).sort(), adaptersOf(systems).sort());
    const rows = (name: string) => sets[name] ?? [];
    const three = [...rows('plan'), ...rows('tool'), ...rows('reflect')];
    const texts = (of: readonly TrainingRow[]) => of.map((row) => JSON.stringify(row)).sort();
    assert.deepEqual(texts(rows('one')), texts(three));
    const trajectories = (of: readonly TrainingRow[]) => new Set(of.map(({ trajectory }) => trajectory)).size;
    assert.equal(trajectories(rows('plan-unfiltered')), trajectories(rows('plan')));
  });

  test('the report is read against the full system, and says what the paper has', () => {
    assert.equal(report?.reference, 'autoact');
    const text = readFileSync(join(session.folder.path, 'report.md'), 'utf8');
    assert.match(text, /Expected from the paper, and measured:/);
    for (const id of systems)
      assert.equal(text.includes(`- ${systemTable[id].title}: Lower than the full system`), id !== 'autoact', id);
    assert.match(text, /without reflection: Lower .* −2\.81 on HotpotQA \(F1\) and −3\.33 on ScienceQA/);
  });
});
