import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPublishedLine } from '../../../src/core/data/publishedTrajectory.ts';
import { publishedTarget } from '../../../src/core/debug/publishedTarget.ts';
import { Player } from '../../../src/core/debug/player.ts';
import type { Trajectory } from '../../../src/core/trajectory/trajectory.ts';
import { publishedInput } from '../../../src/node/data/replayCheck.ts';
import { ForkFiles } from '../../../src/node/debug/forkFiles.ts';
import { readFileSync } from 'node:fs';
import { sha256 } from '../../../src/node/debug/runTargets.ts';
import { debugSession } from '../../doubles/debugSession.ts';

const data = join(import.meta.dirname, '../../../../shared/data');
const absent = existsSync(data) ? false : 'the reference trajectories (../shared/data) are not on this machine';
const levels = ['easy', 'medium', 'hard'] as const;
const inputOf = publishedInput('prompts');

test(
  'every published trajectory replays in the debugger, step for step, without a fork',
  { skip: absent },
  async () => {
    let notes = 0;
    const opened: string[] = [];
    for (const level of levels)
      for (const [k, line] of readFileSync(join(data, `reference-13b-${level}.jsonl`), 'utf8')
        .split('\n')
        .slice(0, -1)
        .entries()) {
        const row = readPublishedLine(line, `${level}/${k + 1}`);
        const target = publishedTarget(row, level, inputOf(row.trajectory), sha256);
        const forks = { open: () => assert.fail('a replay makes no fork') };
        const player = new Player({ ...target, forks }, { mode: 'replay', now: () => 0, hash: sha256 });
        const seen = [];
        while (!player.ended) {
          if (player.site.phase === 'note') seen.push(player.site.note);
          await player.advance(new AbortController().signal);
        }
        assert.ok(player.site.phase === 'end');
        const result = player.site.result as Trajectory;
        assert.equal(result.answer, row.trajectory.answer, row.trajectory.id);
        assert.equal(result.steps.length, row.trajectory.steps.length, row.trajectory.id);
        assert.equal(player.fork, undefined);
        assert.deepEqual(seen, player.notes);
        // And back again to where it began.
        player.goTo(0);
        assert.equal(player.site.phase, 'asked');
        notes += seen.length;
        opened.push(row.trajectory.id);
      }
    assert.equal(opened.length, 300);
    assert.ok(notes > 4000, `${notes} notes`);
  },
);

test('one of them through the protocol: an edit is a fork in a file of its own', { skip: absent }, async () => {
  const workspace = mkdtempSync(join(tmpdir(), 'autoact-dap-'));
  try {
    const client = debugSession();
    const file = join(data, 'reference-13b-hard.jsonl');
    const before = readFileSync(file, 'utf8');
    await client.launch({ workspace, file, line: 4 });
    await client.move('next');
    await client.move('next');
    await client.setVariable('argument', 'Nick Park films');
    const stopped = await client.move('continue');
    // The recording has no answer to another argument: that is told, and nobody is asked.
    assert.equal(stopped.reason, 'exception');
    assert.match(stopped.text ?? '', /no answer to Retrieve\[Nick Park films\]|no answer to \w+\[Nick Park films\]/);
    await client.setVariable('answer', 'Nick Park made Creature Comforts.');
    const end = await client.move('continue');
    assert.equal(end.reason, 'end');
    const forks = new ForkFiles(join(workspace, '.autoact', 'forks', 'reference-13b-hard'), undefined);
    assert.ok(forks);
    const stored = readFileSync(
      join(workspace, '.autoact/forks/reference-13b-hard/reference-13b-hard-4.fork-1.jsonl'),
      'utf8',
    );
    const [record = '', ...entries] = stored.trim().split('\n');
    assert.match(record, /"after":"Nick Park films\]"|Nick Park films/);
    assert.ok(entries.some((line) => line.includes('Creature Comforts') && line.includes('"origin":"given"')));
    assert.equal(readFileSync(file, 'utf8'), before);
  } finally {
    rmSync(workspace, { recursive: true });
  }
});
