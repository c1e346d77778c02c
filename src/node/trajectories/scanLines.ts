import type { FileHandle } from 'node:fs/promises';

/** Longest line that is read: a string of V8 ends at half a gigabyte, and a trajectory long before. */
export const maxLineBytes = 64 << 20;
const chunkBytes = 4 << 20;
const lineFeed = 0x0a;

export interface ScannedLine {
  readonly offset: number;
  /** Bytes, without the line's end. */
  readonly length: number;
  /** Undefined for a line that is longer than {@link maxLineBytes}. Only good until the callback returns. */
  readonly bytes: Buffer | undefined;
  /** False for the last line of a file that has no line feed at its end: it may still be being written. */
  readonly ended: boolean;
}

/**
 * Shows each line of an open file from a byte offset on. Memory is bounded by a chunk and the longest line that is read.
 * Between chunks other work of the process goes on.
 * @returns the offset after the last line feed
 */
export async function scanLines(
  file: FileHandle,
  from: number,
  onLine: (line: ScannedLine) => void,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((read: number) => void) | undefined;
  } = {},
): Promise<number> {
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let lineAt = from;
  let position = from;
  const emit = (last: Buffer, ended: boolean): void => {
    const length = pendingBytes + last.length;
    const bytes =
      length > maxLineBytes ? undefined : pendingBytes === 0 ? last : Buffer.concat([...pending, last], length);
    onLine({ offset: lineAt, length, bytes, ended });
    pending = [];
    pendingBytes = 0;
  };
  for (;;) {
    options.signal?.throwIfAborted();
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    const data = chunk.subarray(0, bytesRead);
    let start = 0;
    for (let end = data.indexOf(lineFeed); end >= 0; end = data.indexOf(lineFeed, start)) {
      emit(data.subarray(start, end), true);
      start = end + 1;
      lineAt = position - bytesRead + start;
    }
    if (start < bytesRead) {
      const rest = data.subarray(start);
      // What is too long is counted and let go.
      if (pendingBytes + rest.length <= maxLineBytes) pending.push(Buffer.from(rest));
      else pending = [];
      pendingBytes += rest.length;
    }
    options.onProgress?.(position - from);
  }
  if (pendingBytes > 0) emit(Buffer.alloc(0), false);
  return lineAt;
}
