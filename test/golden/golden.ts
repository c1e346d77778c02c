import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * Compares a text with the accepted one in test/golden/<name>. On a difference the new text is left beside it as
 * <name>.actual; `UPDATE_GOLDEN=1` accepts what the code gives now. A missing golden file is a failure, never a pass.
 */
export function assertGolden(name: string, actual: string): void {
  const file = join(import.meta.dirname, name);
  const actualFile = `${file}.actual`;
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, actual);
    rmSync(actualFile, { force: true });
    return;
  }
  const expected = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (expected === actual) {
    rmSync(actualFile, { force: true });
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(actualFile, actual);
  const shown = relative(process.cwd(), file);
  if (expected === undefined) {
    assert.fail(`There is no golden file ${shown}. Read ${shown}.actual, and accept it with UPDATE_GOLDEN=1.`);
  }
  assert.equal(actual, expected, `The text differs from ${shown}. Compare it with ${shown}.actual; accept the new one with UPDATE_GOLDEN=1.`);
}
