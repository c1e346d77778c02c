import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { decodeRow, encodeRow, IndexHeader } from '../../core/trajectory/trajectoryIndex.ts';
import type { IndexRow } from '../../core/trajectory/trajectoryIndex.ts';
import { scanLines } from './scanLines.ts';

/** Indexes in the cache folder, one a file, named by the path of what they index. */

const headerBytes = 4096;
/** Some hundreds of rows stand in it. */
const headBytes = 256 << 10;
const rowsAtOnce = 5000;

function indexPath(cache: string, path: string): string {
  return join(cache, 'trajectories', `${createHash('sha1').update(resolve(path)).digest('hex')}.idx`);
}

/** Undefined when there is none, or none that can be read. */
export async function readIndexHeader(cache: string, path: string): Promise<IndexHeader | undefined> {
  try {
    const file = await open(indexPath(cache, path), 'r');
    try {
      const buffer = Buffer.alloc(headerBytes);
      const { bytesRead } = await file.read(buffer, 0, headerBytes, 0);
      const text = buffer.toString('utf8', 0, bytesRead);
      return IndexHeader.parse(JSON.parse(text.slice(0, text.indexOf('\n'))));
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** The first rows, as many as stand in the index's first bytes and at most `most`. Undefined when one is damaged. */
export async function readIndexHead(cache: string, path: string, most: number): Promise<IndexRow[] | undefined> {
  try {
    const file = await open(indexPath(cache, path), 'r');
    try {
      const buffer = Buffer.allocUnsafe(headBytes);
      const { bytesRead } = await file.read(buffer, 0, headBytes, 0);
      const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
      // The last is cut off, or what follows the last line feed.
      return lines.slice(1, -1).slice(0, most).map(decodeRow);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** Undefined when the rows are not those that the header tells of. Other work goes on between stretches of them. */
export async function readIndexRows(
  cache: string | undefined,
  path: string,
  header: IndexHeader,
): Promise<IndexRow[] | undefined> {
  if (cache === undefined) return undefined;
  try {
    const file = await open(indexPath(cache, path), 'r');
    try {
      const rows: IndexRow[] = [];
      let isHeader = true;
      await scanLines(file, 0, ({ bytes, ended }) => {
        if (!isHeader && ended) rows.push(decodeRow(bytes?.toString('utf8') ?? ''));
        isHeader = false;
      });
      return rows.length === header.rows ? rows : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written costs time at the next start and nothing else. */
export async function writeIndex(
  cache: string,
  path: string,
  header: IndexHeader,
  rows: readonly IndexRow[],
): Promise<void> {
  const target = indexPath(cache, path);
  const part = `${target}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(dirname(target), { recursive: true });
    const file = await open(part, 'wx');
    try {
      await file.write(`${JSON.stringify(header)}\n`);
      for (let i = 0; i < rows.length; i += rowsAtOnce)
        await file.write(
          `${rows
            .slice(i, i + rowsAtOnce)
            .map(encodeRow)
            .join('\n')}\n`,
        );
    } finally {
      await file.close();
    }
    await rename(part, target);
  } catch {
    await rm(part, { force: true }).catch(() => undefined);
  }
}
