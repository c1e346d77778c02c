import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveSettings, settingFromText } from '../../../src/core/pipeline/settings.ts';
import { runnerArguments } from '../../../src/host/runs/runnerArguments.ts';
import type { Configuration } from '../../../src/protocol/dashboard.ts';

const embedded: Configuration = {
  servers: ['meta', 'plan', 'tool', 'reflect'].map((role) => ({ role, kind: 'embedded', url: '', model: '' })),
  mode: 'fixed',
  seed: 3,
  box: 'local',
  python: '',
  settings: {},
};

/** What the command line makes of the arguments. */
function settingsOf(args: readonly string[]) {
  return resolveSettings(...args.filter((_, index) => index % 2 === 1).map(settingFromText));
}

describe('what the editor asks of the command line', () => {
  it('is understood by it', () => {
    const { args, env } = runnerArguments(
      { ...embedded, settings: { 'planning.maxSteps': '7', 'training.rank': '' } },
      () => undefined,
    );
    const settings = settingsOf(args);
    assert.deepEqual(
      [settings.seed, settings.planning.maxSteps, settings.training.rank, settings.training.box],
      [3, 7, 8, 'local'],
    );
    assert.deepEqual(env, {});
    assert.ok(args.every((arg, index) => index % 2 === 1 || arg === '--setting'));
  });

  it('names a server for each role and keeps keys out of the arguments', () => {
    const servers: Configuration['servers'] = [
      { role: 'meta', kind: 'url', url: 'http://gpu:8000/v1', model: 'qwen, "large"=1' },
      { role: 'plan', kind: 'url', url: 'http://gpu:8001/v1', model: '' },
      { role: 'tool', kind: 'embedded', url: '', model: 'tool' },
    ];
    const { args, env } = runnerArguments({ ...embedded, servers }, (url) =>
      url.includes('8000') ? 'sk-canary' : undefined,
    );
    assert.ok(!args.join(' ').includes('canary'));
    assert.deepEqual(env, { AUTOACT_KEY_META: 'sk-canary' });
    const settings = settingsOf(args);
    assert.deepEqual(settings.roles['meta'], { server: 'meta', model: 'qwen, "large"=1' });
    assert.equal(settings.servers['meta']?.baseURL, 'http://gpu:8000/v1');
    assert.equal(settings.servers['meta'].apiKeyVariable, 'AUTOACT_KEY_META');
    assert.equal(settings.servers['plan']?.apiKeyVariable, undefined);
    assert.deepEqual(settings.roles['tool'], { server: 'embedded', model: 'tool' });
  });
});
