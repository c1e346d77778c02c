import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join, relative, sep } from 'node:path';
import * as z from 'zod';
import type { Page } from '../../core/world/types.ts';
import { readJsonLines, unreadable } from '../store/jsonLines.ts';
import { readText } from '../store/readText.ts';
import { TaskError } from '../store/taskError.ts';

/** A page as data sets and people write it. */
const PageRow = z
  .object({
    title: z.string().min(1),
    paragraphs: z.array(z.string()).min(1).optional(),
    text: z.string().optional(),
  })
  .refine((row) => row.paragraphs !== undefined || row.text !== undefined, 'it has neither paragraphs nor text');

const readers: Readonly<Record<string, (path: string) => Page[]>> = {
  '.txt': (path) => [plainPage(textOf(path), titleOfFile(path))],
  '.md': (path) => [markdownPage(textOf(path), titleOfFile(path))],
  '.json': readJsonPages,
  '.jsonl': jsonLinePages,
};
/** A file that is no JSON Lines is read as a whole. */
const maxFileBytes = 256 * 2 ** 20;

/**
 * The documents at a path, held in memory: one file, or a folder with all that is in and below it, hidden files and links left out. The
 * order is that of the paths. Pages that say the same are one page; others of one title are numbered.
 * @throws TaskError that names file and line
 */
export function loadDocuments(path: string): Page[] {
  return distinct(documentFiles(path).flatMap((file) => readDocumentFile(file)));
}

/** The files of documents at a path, in order. @throws TaskError where there are none */
export function documentFiles(path: string): string[] {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    throw unreadable(path, error);
  }
  if (!isFolder) return [path];
  const files = filesBelow(path);
  if (files.length === 0)
    throw new TaskError(
      'data',
      `The folder ${path} holds no documents.`,
      'Documents are .txt, .md, .json and .jsonl files.',
    );
  return files;
}

function filesBelow(folder: string): string[] {
  const inside = (path: string): string => relative(folder, path).split(sep).join('/');
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extname(entry.name).toLowerCase() in readers)
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        !inside(path)
          .split('/')
          .some((part) => part.startsWith('.') || part === 'node_modules'),
    )
    .sort((a, b) => (inside(a) < inside(b) ? -1 : 1));
}

/** The pages of one file, by its name's end; another one is taken for JSON Lines. @throws TaskError */
export function readDocumentFile(path: string): Page[] {
  const { size } = statSync(path);
  if (size > maxFileBytes)
    throw new TaskError(
      'data',
      `${path} has ${Math.round(size / 2 ** 20)} MB; a file of documents may have ${maxFileBytes / 2 ** 20}.`,
      'Split it, or keep the part that the task needs.',
    );
  return (readers[extname(path).toLowerCase()] ?? jsonLinePages)(path);
}

function jsonLinePages(path: string): Page[] {
  return readJsonLines(path).map(({ value, line }) => pageOf(value, `Line ${line} of ${path}`));
}

function readJsonPages(path: string): Page[] {
  let value: unknown;
  try {
    value = JSON.parse(textOf(path));
  } catch (error) {
    if (error instanceof TaskError) throw error;
    throw new TaskError(
      'data',
      `${path} is not JSON: ${error instanceof Error ? error.message : ''}.`,
      'It holds one page, or a list of pages.',
    );
  }
  return Array.isArray(value) ? value.map((row, i) => pageOf(row, `Page ${i + 1} of ${path}`)) : [pageOf(value, path)];
}

/** @throws TaskError that names the place */
export function pageOf(value: unknown, where: string): Page {
  const row = PageRow.safeParse(value);
  if (row.success) return made(row.data.title, row.data.paragraphs ?? blocks(row.data.text ?? ''));
  throw new TaskError(
    'data',
    `${where} is no page: ${row.error.issues[0]?.message ?? ''}.`,
    'A page is {"title": …, "paragraphs": [ … ]} or {"title": …, "text": …}.',
  );
}

const plainPage = (text: string, title: string): Page => made(title, blocks(text));

/** The first heading is the title; marks that only lay text out are dropped. */
function markdownPage(text: string, fallback: string): Page {
  const body = text.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, '');
  const title = /^#\s+(.+?)\s*#*\s*$/m.exec(body);
  const rest = title === null ? body : body.replace(title[0], '');
  return made(
    title?.[1] ?? fallback,
    blocks(rest.replace(/^#{1,6}\s+/gm, '').replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')),
  );
}

const made = (title: string, paragraphs: readonly string[]): Page => ({
  title: title.replace(/\s+/g, ' ').trim(),
  paragraphs: paragraphs.length === 0 ? [''] : paragraphs,
  kind: 'work',
});

/** Blocks between blank lines, each on one line. */
function blocks(text: string): string[] {
  return text
    .split(/\r?\n[^\S\n]*\r?\n/)
    .map((block) => block.replace(/\s+/g, ' ').trim())
    .filter((block) => block !== '');
}

function distinct(pages: readonly Page[]): Page[] {
  const byTitle = new Map<string, Page[]>();
  return pages.flatMap((one) => {
    const key = one.title.toLowerCase();
    const same = byTitle.get(key) ?? [];
    byTitle.set(key, same);
    if (same.some((other) => JSON.stringify(other.paragraphs) === JSON.stringify(one.paragraphs))) return [];
    same.push(one);
    return same.length === 1 ? [one] : [{ ...one, title: `${one.title} (${same.length})` }];
  });
}

const titleOfFile = (path: string): string => basename(path, extname(path)).replace(/_/g, ' ');

function textOf(path: string): string {
  try {
    return readText(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}
