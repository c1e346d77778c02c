import { availableParallelism } from 'node:os';
import { join, sep } from 'node:path';
import pLimit from 'p-limit';
import type * as z from 'zod';
import { imageTool } from '../../core/tools/library.ts';
import type { ToolProvider } from '../../core/tools/provider.ts';
import type { OcrTool } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { ensureToolPackage, type ToolPackage } from '../packages/toolPackage.ts';
import { fileOf } from './fileOf.ts';
import { imageFound, noImage, wantedImage } from './imageFolder.ts';
import type { ToolPlace } from './provide.ts';
import { runSandboxed } from './sandbox/runSandboxed.ts';

/** A test compares the versions with package.json's, which the tests run with. */
export const tesseractPackage: ToolPackage = {
  name: 'tesseract.js-core',
  version: '7.0.0',
  about: 'text recognition compiled to WebAssembly, a download of some 17 MB',
};
/** Tesseract's data of a language ship inside a package of their own. */
export const languagePackage = (language: string): ToolPackage => ({
  name: `@tesseract.js-data/${language}`,
  version: '1.0.0',
  about: 'what text recognition knows of a language, a download of some 14 MB',
});

const startSeconds = 60;
/** Node, the program and the data of a language, in megabytes. */
const residentBesideWasm = 400;

/**
 * Image2Text by text recognition: Tesseract in a process that can read this image and no other file, has no network, and
 * is killed when time or memory is used up. @throws ToolError when the folder is not there
 */
export function ocr(entry: z.infer<typeof OcrTool>, place: ToolPlace): ToolProvider {
  const folder = fileOf(place.folder, entry.images);
  const limit = pLimit(Math.max(1, availableParallelism() - 1));
  return {
    description: imageTool,
    provider: `Tesseract ${tesseractPackage.version} (${entry.language}), ${entry.timeoutSeconds} s, ${entry.memoryMegabytes} MB`,
    maxChars: entry.maxChars,
    shared: true,
    call: (argument, state, signal) =>
      limit(async () => {
        const image = wantedImage(folder, argument, state);
        if (image === undefined) return noImage(argument, state);
        const options = { root: place.root, notify: place.notify, signal };
        const core = await ensureToolPackage(tesseractPackage, options);
        const language = await ensureToolPackage(languagePackage(entry.language), options);
        const end = await runSandboxed(
          {
            kind: 'ocr',
            file: image.path,
            core: join(core, 'tesseract-core-simd-lstm.js'),
            language: join(language, '4.0.0_best_int', `${entry.language}.traineddata.gz`),
            maxOutput: entry.maxChars * 4,
          },
          {
            entry: place.sandboxEntry,
            readable: [image.path, `${core}${sep}`, `${language}${sep}`],
            limits: {
              startSeconds,
              runSeconds: entry.timeoutSeconds,
              wasmMegabytes: entry.memoryMegabytes,
              residentMegabytes: entry.memoryMegabytes + residentBesideWasm,
            },
            signal,
          },
        );
        const miss = (text: string) => ({ text, outcome: 'miss' as const, state });
        switch (end.end) {
          case 'answer':
            if (end.status === 'failed') return miss(`The image could not be read: ${end.text}.`);
            return end.text === ''
              ? miss('There is no text in the image that could be read.')
              : imageFound(`Text in the image:\n${end.text}`, state);
          case 'time':
            return miss(`Reading the image was stopped after ${entry.timeoutSeconds} seconds.`);
          case 'memory':
            return miss('Reading the image was stopped: it used too much memory.');
          case 'died':
            if (end.ready) return miss('Reading the image was stopped: the program ended.');
            throw new ToolError(
              'crashed',
              `Text recognition did not start: ${end.said}`,
              'It needs a Node of version 20 or later with its permission model.',
            );
        }
      }),
  };
}
