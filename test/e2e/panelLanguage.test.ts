import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { findChromium } from '../../scripts/lib/systemPackages.mjs';
import type { JobSnapshot } from '../../src/protocol/job.ts';
import { protocolVersion } from '../../src/protocol/surface.ts';
import { pseudo, pseudoBundle } from '../harness/pseudoLanguage.ts';
import { openPanel } from '../webview/panelPage.ts';

let browser: Browser;
before(async () => {
  const executablePath = findChromium();
  browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ['--no-sandbox', '--disable-gpu'],
  });
});
after(() => browser.close());

const snapshot: JobSnapshot = {
  ...{ box: 'gpu', host: 'gpu.example.org', job: '3f2a', kind: 'train', local: false, watched: true, trusted: false },
  served: [],
  view: { state: 'lost-contact', detail: '', curves: [], notes: [], gpus: [], log: '', logCut: false },
};

test('a panel speaks the editor’s language, also in what its files keep in constants', async () => {
  const panel = await openPanel({ browser, name: 'job', words: pseudoBundle });
  const { page, errors } = panel;
  await page.getByText(pseudo('Asking the box …')).waitFor();
  await panel.send({
    ...{ type: 'snapshot', version: protocolVersion, state: { box: 'gpu', job: '3f2a', kind: 'train' } },
    snapshot,
  });
  const title = pseudo('Training {0}').replace('{0}', '3f2a');
  await page.getByRole('heading', { name: title }).waitFor();
  const said = await page.locator('main').innerText();
  for (const text of [
    'Lost contact',
    'Loss',
    'The curves begin with the first step.',
    'It has written nothing yet.',
    'Cancel',
  ])
    assert.ok(said.includes(pseudo(text)), text);
  // What stands outside of the brackets are names.
  const bare = said.replaceAll(/⟦[^⟧]*⟧/g, '').replaceAll(/gpu(\.example\.org)?/g, '');
  assert.doesNotMatch(bare, /\p{L}{2}/u);
  assert.deepEqual(errors, []);
  await page.close();
});

for (const [name, text] of [
  ['dashboard', 'Reading the run …'],
  ['trajectories', 'Reading the trajectories …'],
  ['annotate', 'Reading the studies …'],
] as const)
  test(`so does ${name}`, async () => {
    const { page, errors } = await openPanel({ browser, name, words: pseudoBundle });
    await page.getByText(pseudo(text)).waitFor();
    assert.deepEqual(errors, []);
    await page.close();
  });
