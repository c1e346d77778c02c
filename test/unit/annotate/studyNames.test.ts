import assert from 'node:assert/strict';
import test from 'node:test';
import { isAnnotatorName, methodIds, namedTwice } from '../../../src/core/annotate/studyNames.ts';
import { StudyMethod } from '../../../src/core/annotate/study.ts';

test('methods get ids that a study takes, whatever their folders are called, and no two the same', () => {
  const names = [
    'Größe ganz',
    'größe_ganz',
    '../Über',
    '日本',
    '-',
    'a/x',
    'A-x',
    'a-x-2',
    'x'.repeat(300),
    'x'.repeat(299),
  ];
  const ids = methodIds(names);
  assert.deepEqual(ids.slice(0, 8), [
    'Gro-e-ganz',
    'gro-e_ganz',
    'Uber',
    'method',
    'method-2',
    'a-x',
    'A-x-2',
    'a-x-2-2',
  ]);
  assert.equal(namedTwice(ids), undefined);
  for (const id of ids) assert.ok(StudyMethod.safeParse({ id, folder: 'f' }).success, id);
});

test('an annotator may have letters of any language, and no space; case alone tells nobody apart', () => {
  for (const name of ['ann', 'Jürgen', '王-2', 'a.b_c']) assert.ok(isAnnotatorName(name), name);
  for (const name of ['', 'Jürgen Müller', '../ann', '.ann', 'a'.repeat(41), 'a/b'])
    assert.ok(!isAnnotatorName(name), name);
  assert.equal(namedTwice(['ann', 'ben', 'Ann']), 'Ann');
});
