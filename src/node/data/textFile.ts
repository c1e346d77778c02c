import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { encodingOf } from '../store/readText.ts';
import { TaskError } from '../store/taskError.ts';

/** Longest record that is read, in bytes: a line without end must not fill the memory. */
export const maxRecordBytes = 128 * 2 ** 20;

/** The beginning of a text file, decoded. @throws TaskError when it cannot be read, or is no text */
export function firstText(path: string): string {
  const bytes = firstBytes(path, 65_536);
  return new TextDecoder(encodingOf(path, bytes)).decode(bytes, { stream: true }).trimStart();
}

/**
 * The bytes of a text file as UTF-8, piece by piece. UTF-16, which Windows programs write, is made UTF-8; what is packed
 * is refused and never unpacked, so that a small file stays small.
 * @throws TaskError
 */
export async function* utf8Bytes(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const encoding = encodingOf(path, firstBytes(path, 8));
  const decoder = encoding === 'utf-8' ? undefined : new TextDecoder(encoding);
  const file = createReadStream(path, { highWaterMark: 1 << 20, ...(signal === undefined ? {} : { signal }) });
  for await (const chunk of file as AsyncIterable<Buffer>)
    yield decoder === undefined ? chunk : Buffer.from(decoder.decode(chunk, { stream: true }));
  if (decoder !== undefined) yield Buffer.from(decoder.decode());
}

export function cannotRead(path: string): TaskError {
  return new TaskError('data', `The file ${path} cannot be read.`, 'Check its path and whether you may read it.');
}

function firstBytes(path: string, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  try {
    const fd = openSync(path, 'r');
    try {
      return buffer.subarray(0, readSync(fd, buffer));
    } finally {
      closeSync(fd);
    }
  } catch {
    throw cannotRead(path);
  }
}
