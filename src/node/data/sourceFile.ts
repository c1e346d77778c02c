import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';

/** Name, size and SHA-256 of a file that was read, so that an import says what it came from. */
export async function describeSource(path: string): Promise<{ file: string; bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return { file: basename(path), bytes: statSync(path).size, sha256: hash.digest('hex') };
}
