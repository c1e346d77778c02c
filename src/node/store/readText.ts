import { readFileSync } from 'node:fs';
import { TaskError } from './taskError.ts';

/** Files that hold text only after something else has opened them; each is told from its first bytes. */
const packed: readonly { readonly bytes: string; readonly is: string; readonly remedy: string }[] = [
  { bytes: '1f8b', is: 'compressed with gzip', remedy: 'Unpack it first: gunzip --keep FILE.' },
  { bytes: '504b0304', is: 'a ZIP archive or an Office file', remedy: 'Unpack it, or save the sheet as CSV.' },
  { bytes: '504b0506', is: 'an empty ZIP archive', remedy: 'Name the file itself.' },
  { bytes: '28b52ffd', is: 'compressed with Zstandard', remedy: 'Unpack it first: unzstd FILE.' },
  { bytes: '425a68', is: 'compressed with bzip2', remedy: 'Unpack it first: bunzip2 --keep FILE.' },
  { bytes: 'fd377a585a', is: 'compressed with xz', remedy: 'Unpack it first: unxz --keep FILE.' },
  { bytes: '50415231', is: 'a Parquet file', remedy: 'Save it as JSON Lines, for example with pandas or DuckDB.' },
];

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/**
 * A text file of the user's, without the mark that Windows programs put at its beginning.
 * @throws TaskError when it is packed, and as readFileSync does
 */
export function readText(path: string): string {
  const bytes = readFileSync(path);
  return new TextDecoder(encodingOf(path, bytes)).decode(bytes);
}

/** Told from a file's first bytes, eight at least where it has them. @throws TaskError when it is packed */
export function encodingOf(path: string, bytes: Buffer): Encoding {
  const start = bytes.toString('hex', 0, 8);
  const found = packed.find((kind) => start.startsWith(kind.bytes));
  if (found !== undefined) throw new TaskError('data', `The file ${path} is ${found.is}.`, found.remedy);
  // A mark, or the zeros that letters of Latin scripts have there.
  if (start.startsWith('fffe') || /^(?!00)..00(?!00)..00/.test(start)) return 'utf-16le';
  return start.startsWith('feff') || /^00(?!00)..00(?!00)../.test(start) ? 'utf-16be' : 'utf-8';
}
