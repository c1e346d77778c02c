import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, it } from 'node:test';
import { addBox, configFolder, findBox, listBoxes, removeBox } from '../../../src/node/box/boxes.ts';
import { BoxError } from '../../../src/node/box/boxErrors.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoact-boxes-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => rmSync(join(folder, 'boxes.json'), { force: true }));

it('boxes are kept with their defaults, listed by name, replaced and removed', () => {
  assert.deepEqual(listBoxes(folder), []);
  addBox({ name: 'gpu', host: 'gpu.example.org' }, folder);
  addBox({ name: 'cluster', host: 'login', transport: 'system-ssh', slurm: { partition: 'gpu' } }, folder);
  assert.deepEqual(listBoxes(folder), [
    { name: 'cluster', host: 'login', transport: 'system-ssh', folder: '~/.autoact', slurm: { partition: 'gpu' } },
    { name: 'gpu', host: 'gpu.example.org', transport: 'ssh', folder: '~/.autoact' },
  ]);
  addBox({ name: 'gpu', host: 'other', python: '/opt/python' }, folder);
  assert.equal(findBox('gpu', folder).host, 'other');
  removeBox('gpu', folder);
  assert.throws(
    () => findBox('gpu', folder),
    (error) => BoxError.is(error, 'unknown-box') && /Known: local, cluster/.test(error.message),
  );
  assert.throws(
    () => removeBox('gpu', folder),
    (error) => BoxError.is(error, 'unknown-box'),
  );
});

it('what is no box is refused with the field, and nothing is written', () => {
  for (const [field, box] of [
    ['name', { name: 'local', host: 'x' }],
    ['name', { name: 'a b', host: 'x' }],
    ['host', { name: 'a', host: '-oProxyCommand=x' }],
    ['host', { name: 'a', host: 'a b' }],
    ['folder', { name: 'a', host: 'x', folder: 'relative' }],
    ['folder', { name: 'a', host: 'x', folder: '/a\nb' }],
    ['python', { name: 'a', host: 'x', python: 'bin/python' }],
    ['transport', { name: 'a', host: 'x', transport: 'telnet' }],
    ['it', { name: 'a', host: 'x', colour: 'red' }],
  ] as const)
    assert.throws(
      () => addBox(box as never, folder),
      (error) => BoxError.is(error, 'bad-box') && error.message.includes(field),
    );
  assert.equal(existsSync(join(folder, 'boxes.json')), false);
});

it('a file that somebody broke is told and left alone', () => {
  writeFileSync(join(folder, 'boxes.json'), '{"version": 1, "boxes": [{"name": 7}]}');
  for (const work of [() => listBoxes(folder), () => addBox({ name: 'a', host: 'x' }, folder)])
    assert.throws(work, (error) => BoxError.is(error, 'malformed-file') && error.message.includes('boxes.json'));
  assert.match(readFileSync(join(folder, 'boxes.json'), 'utf8'), /7/);
});

it('the folder for settings follows the environment', { skip: process.platform === 'win32' && 'APPDATA there' }, () => {
  assert.equal(configFolder({ XDG_CONFIG_HOME: '/x' }), join('/x', 'autoact'));
  assert.match(configFolder({}), /\.config[/\\]autoact$/);
});
