import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { boxesView, jobPanel } from '../../../src/contrib/ids.ts';
import { scene } from './scene.ts';
import { hasPanel, showsOutput, type Uses } from './use.ts';

const longAgo = new Date('2026-01-01T00:00:00Z');
const far = { name: 'far', host: 'far.invalid' };
const box = () => [{ kind: 'box', box: { ...far, connection: 'idle', served: [] } }];
const here = { name: 'local', host: 'this machine' };
const job = (at: { readonly name: string }, id = 'halted-1') => [{ kind: 'job', box: at, job: { id, kind: 'train' } }];
/** What is said of a machine that nobody can reach. */
const unreachable = /far\.invalid|far: /;

const writeBoxes = async (): Promise<void> => {
  writeFileSync((await scene()).boxes, JSON.stringify({ version: 1, boxes: [far] }));
};
const jobFolder = async (): Promise<string> => join((await scene()).shown.folder, 'jobs', 'halted-1');
/** A training of this machine that failed. */
const writeJob = async (): Promise<void> => {
  const folder = await jobFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'spec.json'), JSON.stringify({ base: '/nowhere', adapters: { plan: { data: 'x' } } }));
  writeFileSync(join(folder, 'log.txt'), 'no such base\n');
  writeFileSync(join(folder, 'exit'), '1 0 0\n');
  utimesSync(join(folder, 'exit'), longAgo, longAgo);
};
const boxes = async (): Promise<string> => {
  const { boxes: file } = await scene();
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

/** Boxes and jobs. What a box answers that can be reached is in the end-to-end tests of boxes and jobs. */
export const boxUses: Uses = {
  'autoact.addBox': {
    effect: 'the box is in the list, and the view shows it',
    before: scene,
    answers: { input: ['near.invalid', 'near'] },
    seen: async (shown) => /"near"/.test(await boxes()) && shown.of('command').includes(`${boxesView}.focus`),
  },
  'autoact.connectBox': {
    effect: 'the view shows how it goes',
    before: writeBoxes,
    args: box,
    seen: (shown) => shown.of('command').includes(`${boxesView}.focus`),
  },
  'autoact.disconnectBox': {
    effect: 'the view shows that it is over',
    before: writeBoxes,
    args: box,
    seen: (shown) => shown.of('command').includes(`${boxesView}.focus`),
  },
  'autoact.checkBox': {
    effect: 'the log of jobs says what the check found',
    before: writeBoxes,
    args: box,
    problem: unreachable,
    seen: (shown) => shown.of('error').length > 0 || showsOutput(/far/),
  },
  'autoact.serveJob': {
    effect: 'it is said that the box is gone from the list',
    before: writeBoxes,
    args: () => job({ name: 'gone' }),
    problem: /gone/,
    seen: (shown) => shown.of('error').length === 1,
  },
  'autoact.useAdapters': {
    effect: 'it is said that nothing is served yet',
    before: writeBoxes,
    args: () => job(far),
    problem: /This server has no port in this window\. Serve the training job/,
    seen: (shown) => shown.of('error').length === 1,
  },
  'autoact.openJob': {
    effect: 'the job’s panel is open',
    before: writeJob,
    args: () => job(here),
    seen: () => hasPanel(jobPanel, /halted-1/),
  },
  'autoact.openJobLog': {
    effect: 'the log is in sight',
    before: writeJob,
    args: () => job(here),
    seen: () => showsOutput(/local\/halted-1/),
  },
  'autoact.stopJob': {
    effect: 'a job that has ended already is left as it is',
    before: writeJob,
    args: () => job(here),
    seen: async () => readFileSync(join(await jobFolder(), 'exit'), 'utf8').startsWith('1 '),
  },
  'autoact.resumeJob': {
    effect: 'it starts again: how it ended before no longer holds',
    before: writeJob,
    args: () => job(here),
    seen: async () => {
      const exit = join(await jobFolder(), 'exit');
      return !existsSync(exit) || statSync(exit).mtime > longAgo;
    },
  },
  'autoact.fetchJob': {
    effect: 'it is said that there are no adapters',
    before: writeJob,
    args: () => job(here),
    answers: () => ({ files: [join('/tmp')] }),
    problem: /halted-1/,
    seen: (shown) => shown.of('error').length === 1,
  },
  'autoact.removeBox': {
    effect: 'it is asked, and the box is out of the list',
    before: writeBoxes,
    args: box,
    answers: { press: ['Remove'] },
    seen: async (shown) =>
      shown.shown.some(({ modal, text }) => modal && /Forget the box "far"/.test(text)) && !/"far"/.test(await boxes()),
  },
};
