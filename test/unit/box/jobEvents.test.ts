import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseEvent } from '../../../src/core/box/jobEvents.ts';
import { LineReader } from '../../../src/node/box/lineReader.ts';
import { parseExit, printable } from '../../../src/node/box/jobFolder.ts';
import { JobError } from '../../../src/node/box/boxErrors.ts';

const step = { t: 1, type: 'step', adapter: 'plan', step: 1, steps: 9, epoch: 0.1, loss: 2.5, lr: 1e-4 };

describe('lines of a growing file', () => {
  it('are the same however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }).map((s) => s.replace(/\n/g, ''))),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (lines, sizes) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const reader = new LineReader();
          const found: string[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length]!;
            found.push(...reader.push(bytes.subarray(at, at + size)));
            at += size;
          }
          // The decoder drops a byte order mark at the very start, as every text reader does.
          assert.deepEqual(
            found,
            Buffer.from(lines.map((line) => `${line}\n`).join(''))
              .toString()
              .replace(/^\ufeff/, '')
              .split('\n')
              .slice(0, -1),
          );
        },
      ),
    );
  });

  it('drop a line without end instead of keeping it in memory', () => {
    const reader = new LineReader(100);
    for (let i = 0; i < 50; i++) assert.deepEqual(reader.push(Buffer.from('x'.repeat(60))), []);
    assert.deepEqual(reader.push(Buffer.from('tail\nnext\n')), ['next']);
  });
});

describe('events', () => {
  it('are read with what is known of them', () => {
    assert.deepEqual(parseEvent(JSON.stringify({ ...step, later: 'field' })), step);
    assert.deepEqual(parseEvent(JSON.stringify({ ...step, gradientNorm: 'inf' })), {
      ...step,
      gradientNorm: undefined,
    });
  });

  for (const [what, line] of [
    ['half a line', '{"t": 1, "type": "st'],
    ['a type of a later version', '{"t": 1, "type": "sparkle"}'],
    ['a loss that is text', JSON.stringify({ ...step, loss: '<b>0</b>' })],
    ['an adapter that leaves its folder', JSON.stringify({ ...step, adapter: '../../etc' })],
    ['a negative step', JSON.stringify({ ...step, step: -1 })],
    ['not an object', '[]'],
  ] as const) {
    it(`leave out ${what}`, () => assert.equal(parseEvent(line), undefined));
  }

  it('have messages of bounded length', () => {
    const event = parseEvent(JSON.stringify({ t: 1, type: 'error', reason: 'bad-data', message: 'x'.repeat(1e6) }));
    assert.equal(event?.type === 'error' && event.message.length, 4000);
  });
});

describe('exit file', () => {
  it('is a code, a signal and a flag', () => {
    assert.deepEqual(parseExit('0 0 0\n'), { rc: 0, signal: 0, oom: false });
    assert.deepEqual(parseExit('-9 9 1'), { rc: -9, signal: 9, oom: true });
  });

  for (const text of ['', '0', '0 0 0; rm -rf /', 'a b c', '99999 0 0']) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(
        () => parseExit(text),
        (error) => JobError.is(error, 'bad-output'),
      ));
  }
});

it('text of a box cannot drive a terminal', () => {
  assert.equal(printable('\u001b[2J\u001b[31mred\u001b[0m\u0007 a\nb\tc\u009b', 100), 'red a\nb\tc');
});
