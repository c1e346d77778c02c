import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeGguf, readGgufHeader, readGgufMetadata, type GgufField } from '../../../src/node/embedded/lora/gguf.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact-gguf-'));
const file = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
after(() => rmSync(folder, { recursive: true, force: true }));

const fields = new Map<string, GgufField>([
  ['general.architecture', { type: 'string', value: 'llama' }],
  ['count', { type: 'uint32', value: 7 }],
  ['flag', { type: 'bool', value: true }],
  ['alpha', { type: 'float32', value: 0.5 }],
  ['words', { type: 'array', of: 'string', value: ['a', 'é', ''] }],
  ['kinds', { type: 'array', of: 'int32', value: [-1, 2] }],
]);
const tensors = [
  { name: 'first', shape: [3, 2], dtype: 'f32' as const, data: new Uint8Array(24) },
  { name: 'second', shape: [5], dtype: 'f16' as const, data: new Uint8Array(10) },
];

describe('GGUF', () => {
  it('reads back what it wrote', async () => {
    const header = await readGgufHeader(file('whole.gguf', encodeGguf(fields, tensors)));
    for (const [key, field] of fields) assert.deepEqual(header.metadata.get(key), field.value);
    assert.deepEqual(header.tensors, [
      { name: 'first', shape: [3, 2], type: 0 },
      { name: 'second', shape: [5], type: 1 },
    ]);
  });

  it('a file cut anywhere is refused, never misread', async () => {
    const whole = encodeGguf(fields, tensors);
    // The padding behind the last tensor is not missed.
    const needed = whole.length - (32 - 10);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: needed - 1 }), async (length) => {
        await assert.rejects(readGgufHeader(file('cut.gguf', whole.subarray(0, length))), (error: unknown) => {
          const { reason } = error as { reason: string };
          return reason === 'truncated' || (reason === 'not-gguf' && length < 24);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('names other files and other versions', async () => {
    await assert.rejects(readGgufMetadata(file('text', Buffer.from('some text that is long enough to be read'))), {
      reason: 'not-gguf',
    });
    const future = Buffer.from(encodeGguf(fields, tensors));
    future.writeUInt32LE(9, 4);
    await assert.rejects(readGgufMetadata(file('future', future)), { reason: 'unsupported-version' });
  });
});
