import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { ToolState } from '../../core/run/request.ts';
import type { Finding } from '../../core/tools/provider.ts';
import { questionImage } from '../../core/tools/questionImage.ts';
import { fileWithin } from './fileOf.ts';

/** Kinds of images that are read, by the bytes that they begin with. */
const kinds: readonly (readonly [string, readonly number[]])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/gif', [0x47, 0x49, 0x46, 0x38]],
  ['image/webp', [0x52, 0x49, 0x46, 0x46]],
];
const maxImageBytes = 10 * 2 ** 20;

export interface ImageFile {
  /** Its real path. */
  readonly path: string;
  readonly type: string;
}

export function imageType(bytes: Uint8Array): string | undefined {
  return kinds.find(([, magic]) => magic.every((byte, i) => bytes[i] === byte))?.[0];
}

/**
 * The image that a call is about: the question's own, or where it has none the one that the argument names.
 * @returns undefined where the folder has no such image of at most 10 MB
 */
export function wantedImage(folder: string, argument: string, state: ToolState): ImageFile | undefined {
  const path = fileWithin(folder, questionImage(state)?.file ?? argument.trim());
  if (path === undefined) return undefined;
  const { size } = statSync(path);
  if (!statSync(path).isFile() || size > maxImageBytes) return undefined;
  const type = imageType(firstBytes(path));
  return type === undefined ? undefined : { path, type };
}

function firstBytes(path: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const file = openSync(path, 'r');
  try {
    readSync(file, bytes);
  } finally {
    closeSync(file);
  }
  return bytes;
}

export function noImage(argument: string, state: ToolState): Finding {
  const name = argument.trim().slice(0, 200);
  const text =
    questionImage(state) === undefined
      ? `There is no image "${name}", and the question has none.`
      : 'The image of the question cannot be looked at.';
  return { text, outcome: 'miss', state };
}

/** What an image says; Lookup can go through it. */
export function imageFound(text: string, state: ToolState): Finding {
  return { text, outcome: 'hit', state: { ...state, lookup: { lines: text.split('\n'), keyword: null, index: 0 } } };
}
