import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sideBySide } from '../../../scripts/lib/lanes.mjs';

type Print = (text: string) => void;
/** Without the lines that tell of a beginning. */
const held = (shown: string) => shown.replaceAll(/\n… \w+ begins; .*\n/g, '');

/** Jobs that say what they are told to and end when they are told to. */
function stage() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const prints = new Map<string, Print>();
  const job = (title: string, slots: number) => ({
    title,
    slots,
    run: (print: Print) => {
      begun.push(title);
      prints.set(title, print);
      return new Promise<string>((resolve) => ends.set(title, () => resolve(`${title} done`)));
    },
  });
  const end = async (title: string) => {
    ends.get(title)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, job, say: (title: string, text: string) => prints.get(title)?.(text), end };
}

test('two run at once and neither breaks into what the other prints; results keep the order of the jobs', async () => {
  const { begun, job, say, end } = stage();
  let shown = '';
  const all = sideBySide([job('a', 1), job('b', 1), job('c', 1)], 2, (text) => (shown += text));
  assert.deepEqual(begun, ['a', 'b']);
  say('a', 'one ');
  say('b', 'two\n');
  say('a', 'three\n');
  assert.equal(held(shown), '');
  assert.equal(shown.match(/… [ab] begins/g)?.length, 2);
  await end('b');
  assert.equal(held(shown), '\n── b\ntwo\n');
  assert.deepEqual(begun, ['a', 'b', 'c']);
  await end('c');
  await end('a');
  assert.equal(held(shown), '\n── b\ntwo\n\n── c\n\n── a\none three\n');
  assert.deepEqual(await all, ['a done', 'b done', 'c done']);
});

test('one that takes all there is runs alone, and what it prints is shown at once', async () => {
  const { begun, job, say, end } = stage();
  let shown = '';
  const all = sideBySide([job('a', 1), job('whole', 2), job('b', 1)], 2, (text) => (shown += text));
  assert.deepEqual(begun, ['a']);
  await end('a');
  assert.deepEqual(begun, ['a', 'whole']);
  say('whole', 'at once');
  assert.match(shown, /── whole\nat once$/);
  await end('whole');
  await end('b');
  await all;
});

test('an only one has nobody to disturb, and is shown at once', async () => {
  const { job, say, end } = stage();
  let shown = '';
  const all = sideBySide([job('a', 1)], 2, (text) => (shown += text));
  say('a', 'now');
  assert.equal(shown, '\n── a\nnow');
  await end('a');
  assert.deepEqual(await all, ['a done']);
});

test('with one processor all run in turns, and a job that throws is told after what it printed', async () => {
  const { begun, job, end } = stage();
  let shown = '';
  const broken = {
    title: 'broken',
    slots: 2,
    run: (print: Print) => {
      print('half');
      return Promise.reject(new Error('no'));
    },
  };
  const all = sideBySide<string>([job('a', 1), broken], 1, (text) => (shown += text));
  assert.deepEqual(begun, ['a']);
  const told = assert.rejects(all, /no/);
  await end('a');
  await told;
  assert.match(shown, /── broken\nhalf$/);
});
