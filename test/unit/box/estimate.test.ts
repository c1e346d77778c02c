import assert from 'node:assert/strict';
import { it } from 'node:test';
import { JobError } from '../../../src/node/box/boxErrors.ts';
import type { ExecResult } from '../../../src/node/box/boxFiles.ts';
import type { Estimate } from '../../../src/node/box/estimate.ts';
import { describeEstimate, duration, estimateJob } from '../../../src/node/box/estimate.ts';
import { localFiles } from '../../../src/node/box/localFiles.ts';

const h200: Estimate = {
  bytes: 64.6e9,
  freeBytes: 149.2e9,
  gpus: 1,
  gpu: 'NVIDIA H200',
  baseGpus: 1,
  fits: true,
  quantization: 'none',
  gradientCheckpointing: false,
  tokens: 3_300_000,
  seconds: 216,
};
const asked = (result: Partial<ExecResult>) =>
  estimateJob({
    files: { ...localFiles, exec: () => Promise.resolve({ code: 0, stdout: '', stderr: '', ...result }) },
    ...{ python: 'python3', box: '/box', folder: '/jobs/1' },
  });

it('an estimate is one line', () => {
  assert.equal(describeEstimate(h200), 'about 64.6 of 149.2 GB on NVIDIA H200, 4 min, 3.3 M tokens');
  const tight = { ...h200, freeBytes: 11e9, gpu: 'T4', gpus: 2, baseGpus: 2, fits: false, seconds: null };
  assert.equal(
    describeEstimate({ ...tight, quantization: 'nf4', gradientCheckpointing: true }),
    'about 64.6 of 22.0 GB on 2 × T4, 3.3 M tokens, base in 4 bits (QLoRA), activations computed twice, it may not fit: choose a smaller base or a larger GPU',
  );
  // On the login node of a cluster there is no GPU to compare with.
  assert.equal(describeEstimate({ ...h200, freeBytes: null, gpu: null, seconds: null }), 'about 64.6 GB, 3.3 M tokens');
  assert.deepEqual([0.2, 89, 90, 5399, 9000].map(duration), ['1 s', '89 s', '2 min', '90 min', '2.5 h']);
});

it('is read from the last line, after whatever libraries print', async () => {
  assert.deepEqual(await asked({ stdout: `a warning\n${JSON.stringify(h200)}\n` }), h200);
});

it('a job that cannot be trained is told before it is dispatched; a box that cannot tell is another matter', async () => {
  await assert.rejects(
    asked({ code: 64, stderr: 'spec.json: epochs must be between 0.001 and 10000, not 0.\n' }),
    (error) => JobError.is(error, 'failed') && /cannot be trained: spec\.json: epochs/.test(error.message),
  );
  await assert.rejects(asked({ code: 70, stderr: 'Traceback' }), (error) => JobError.is(error, 'bad-output'));
  await assert.rejects(asked({ stdout: '{}' }), (error) => JobError.is(error, 'bad-output'));
});
