import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunStatus } from '../../../src/core/run/status.ts';
import { metaReply } from '../../doubles/metaServer.ts';
import { cliEvents } from '../../harness/cliProgram.ts';
import { cliFolder, runOf, withServer } from './support.ts';

const { cli, writeTask } = cliFolder();
const selfInstruct = (out: string) => {
  const status = RunStatus.parse(JSON.parse(readFileSync(join(runOf(out).folder, 'status.json'), 'utf8')));
  return status.stages.find((stage) => stage.id === 'selfInstruct');
};

test('a run with every option of self-instruct on says what it covers, and what was dropped for which reason', async () => {
  await withServer(
    async (baseURL) => {
      const options = [
        'votes=3',
        'steer=true',
        'similarityMeasure=rouge-l',
        'formatChecks=strict',
        'decontaminate=overlap',
      ];
      const ended = await cli([
        ...['run', '--task', writeTask('options', baseURL), '--json', '--stage', 'selfInstruct'],
        ...options.flatMap((option) => ['-s', `selfInstruct.${option}`]),
      ]);
      assert.equal(ended.code, 0, ended.err);
      const { folder } = runOf(ended.out);
      const coverage = JSON.parse(readFileSync(join(folder, 'coverage.json'), 'utf8')) as Record<string, unknown>;
      assert.ok(Object.keys(coverage).length > 2, JSON.stringify(coverage));
      const dropped = selfInstruct(ended.out)?.dropped.map(({ reason }) => reason) ?? [];
      assert.ok(
        dropped.some((reason) => /evaluation/.test(reason)),
        dropped.join(', '),
      );
      assert.match(readFileSync(join(folder, 'database.jsonl'), 'utf8'), /"vote/);
    },
    (asked, count) =>
      asked.prompt.endsWith('New pairs:') && count % 3 === 0
        ? '\nQuestion: Where does traveller 4 live?\nAnswer: Velm\n'
        : asked.prompt.endsWith('New pairs:') || asked.prompt.includes('Action:')
          ? metaReply(asked)
          : ' Arden\n',
  );
});

test('a model that only repeats itself is stopped, and the run goes on with what there is', async () => {
  let rounds = 0;
  await withServer(
    async (baseURL) => {
      const few = { instances: 500, perAnswerCap: 100, similarity: 1, patience: 5, minYield: 0.5 };
      const ended = await cli([
        ...['run', '--task', writeTask('repeats', baseURL, { selfInstruct: few }), '--json', '--stage', 'selfInstruct'],
      ]);
      assert.equal(ended.code, 0, ended.err);
      assert.ok(rounds < 60, `${rounds} rounds`);
      assert.ok(
        cliEvents(ended.out).some((e) => e.type === 'notice' && /new/.test(e.message)) ||
          /"stopped":"(?!full)/.test(readFileSync(join(runOf(ended.out).folder, 'log.jsonl'), 'utf8')),
      );
    },
    (asked) => {
      if (asked.prompt.endsWith('New pairs:')) {
        rounds++;
        return '\nQuestion: Where was the same person born?\nAnswer: Arden\nQuestion: And where once more?\nAnswer: Velm\n';
      }
      return metaReply(asked);
    },
  );
});
