import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as l10n from '@vscode/l10n';
import { wordFiles } from '../../../scripts/l10n.mjs';
import { stepVerdicts, verdictTitles } from '../../../src/core/annotate/records.ts';
import { BoxStatus } from '../../../src/core/box/boxStatus.ts';
import { stageIds, stageTitles, StageState } from '../../../src/core/run/status.ts';
import { outcomes } from '../../../src/core/trajectory/summary.ts';
import { itemOf } from '../../../src/host/boxes/boxesModel.ts';
import { describeResult } from '../../../src/host/runs/trajectories.ts';
import { outcomeName, stageName, stateName, verdictName } from '../../../src/protocol/words.ts';
import { manifestWords, wordKey, writtenManifest } from '../../harness/manifest.ts';
import { bundle, pseudo, pseudoBundle } from '../../harness/pseudoLanguage.ts';
import { bareTexts, translatedTexts } from '../../harness/sourceTexts.ts';

const advice = 'run npm run l10n';
const calls = wordFiles().flatMap(translatedTexts);

/** Every value below `value` with the names that lead to it. */
function leaves(value: unknown, path: readonly string[] = []): { path: readonly string[]; value: unknown }[] {
  if (typeof value !== 'object' || value === null) return [{ path, value }];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...path, name]));
}

describe('the words of package.json', () => {
  const written = leaves(writtenManifest());
  const used = new Set(written.flatMap(({ value }) => wordKey(value) ?? []));

  it('are in package.nls.json, each, and nothing else is', () => {
    assert.deepEqual([...used].sort(), Object.keys(manifestWords()).sort());
    for (const [key, text] of Object.entries(manifestWords())) assert.ok(text.length > 0, key);
  });

  it('stand nowhere in it', () => {
    const shown =
      /^(title|shortTitle|category|displayName|description|markdownDescription|contents|contextualTitle|label)$/;
    const lists = /^(enumDescriptions|markdownEnumDescriptions|aliases)$/;
    const bare = written.filter(({ path, value }) => {
      const own = path.at(-1) ?? '';
      const inList = lists.test(path.at(-2) ?? '');
      const ofView = own === 'name' && (path[1] === 'views' || path.includes('configurationSnippets'));
      return (shown.test(own) || inList || ofView) && typeof value === 'string' && wordKey(value) === undefined;
    });
    assert.deepEqual(bare, []);
  });
});

/** Texts that stay as they are, by file, and why. */
const untranslated: Readonly<Record<string, readonly string[]>> = {
  // A setting of a task card, and names of splits in a data set.
  'src/host/annotate/labelCommands.ts': ['"filter": {"annotations": "filter"}'],
  'src/host/commands/importData.ts': ['test', 'val', 'train', 'all'],
  // What a study and its adjudicator may be called.
  'src/host/annotate/newStudy.ts': ['comparison-1', 'cleo'],
  // Part of an id, an extension, a page.
  'src/host/annotate/queueTree.ts': ['/at work'],
  'src/host/traces/traceUri.ts': ['.md'],
  'src/host/dashboard/html.ts': ['<!DOCTYPE html>', '<script'],
  'webview/kit/lineChart.tsx': ['color-mix('],
  // An example, values of a setting, the name of a test.
  'webview/dashboard/configuration.tsx': ['http://localhost:8000/v1', 'fixed', 'reference'],
  'webview/trajectories/matrix.tsx': ['McNemar'],
  // Compared with reasons that core wrote.
  'src/host/provenance/document.ts': ['no reason recorded'],
  'src/host/provenance/products.ts': ['no reason recorded'],
  'src/host/runs/trajectories.ts': ['no reason given'],
  // Goes to the runner, which writes it into the run's log.
  'src/host/runs/languageModels.ts': ['It is not offered; offered are:', 'none'],
  // Parts of a trace and of the document beside it, which have a grammar and are searched.
  'src/host/traces/traceLoader.ts': ['…, line …: …', 'no answer', 'the servers or tools failed'],
  'src/host/traces/documents.ts': ['Requests of', '… + … tokens, ended by', '=== Request'],
};

describe('the words of the host and its panels', () => {
  const files = wordFiles();

  it('go through l10n.t', () => {
    const bare = files.flatMap((path) =>
      bareTexts(path).filter(({ text }) => !(untranslated[path] ?? []).some((known) => text.startsWith(known))),
    );
    assert.deepEqual(bare, []);
  });

  it('have no exception that is not needed', () => {
    for (const [path, known] of Object.entries(untranslated)) {
      const texts = bareTexts(path).map(({ text }) => text);
      for (const each of known)
        assert.ok(
          texts.some((text) => text.startsWith(each)),
          `${path}: ${each}`,
        );
    }
  });
});

describe('calls of l10n.t', () => {
  it('give one plain text, which the tool that gathers them can read', () => {
    assert.ok(calls.length > 400);
    const wrong = calls.filter(({ message, written }) => message === undefined || /\\[ux]/.test(written));
    assert.deepEqual(wrong, []);
  });

  it('have a place for each value and a value for each place', () => {
    const wrong = calls.filter(({ message = '', values }) => {
      const places = [...new Set([...message.matchAll(/\{(\d+)\}/g)].map(([, place]) => Number(place)))].sort(
        (a, b) => a - b,
      );
      return places.length !== values || places.some((place, i) => place !== i);
    });
    assert.deepEqual(wrong, []);
  });

  it('are what the bundle holds', () => {
    const texts = [...new Set(calls.map(({ message = '' }) => message))].sort();
    assert.deepEqual(Object.keys(bundle), texts, advice);
    for (const [key, text] of Object.entries(bundle)) assert.equal(text, key, advice);
  });
});

describe('the words of core that views show', () => {
  it('are the same in English', () => {
    for (const id of stageIds) assert.equal(stageName(id), stageTitles[id]);
    for (const state of [...StageState.options, ...BoxStatus.shape.jobs.element.shape.state.options])
      assert.equal(stateName(state), state);
    for (const outcome of outcomes) assert.equal(outcomeName(outcome), outcome);
    for (const verdict of stepVerdicts) assert.equal(verdictName(verdict), verdictTitles[verdict]);
  });
});

describe('in a made-up language', () => {
  before(() => {
    l10n.config({ contents: pseudoBundle });
  });
  after(() => {
    l10n.config({ contents: {} });
  });

  it('views speak it, with their values in place', () => {
    const box = { name: 'gpu', host: 'alice@gpu', connection: 'idle', served: [] } as const;
    assert.equal(itemOf({ kind: 'box', box }).description, pseudo('{0}, not connected').replace('{0}', 'alice@gpu'));
    assert.equal(
      describeResult({ database: [1, 2] }).text,
      pseudo('{0} kept').replace('{0}', pseudo('{0} pairs').replace('{0}', '2')),
    );
    assert.equal(stageName('synthesis'), pseudo('Trajectory synthesis'));
    assert.equal(outcomeName('partly right'), pseudo('partly right'));
  });

  it('values are taken as they are, whatever they hold', () => {
    const box = { name: 'gpu', host: '{0}{1}', connection: 'idle', served: [] } as const;
    assert.equal(itemOf({ kind: 'box', box }).description, pseudo('{0}, not connected').replace('{0}', '{0}{1}'));
  });
});
