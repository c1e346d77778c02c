import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { OcrJob, SandboxAnswer } from './jobs.ts';

/** The few parts of tesseract.js-core that are used: Tesseract's own API, over a file system in memory. */
interface Tesseract {
  readonly FS: { writeFile(path: string, bytes: Uint8Array): void };
  readonly TessBaseAPI: new () => {
    Init(folder: null, language: string, engine: number, config: string): number;
    /** Reads /input; 0 when it is an image that Leptonica knows. */
    SetImageFile(exifOrientation: number, angle: number): number;
    Recognize(monitor: null): number;
    GetUTF8Text(): string;
  };
}
type LoadTesseract = (options: { print: () => void; printErr: () => void }) => Promise<Tesseract>;

/** Tesseract's number of its neural engine, the only one in this build. */
const lstm = 1;
/** The largest of the languages has 25 MB. */
const maxLanguageBytes = 128 * 2 ** 20;

export async function loadOcr(job: OcrJob): Promise<() => SandboxAnswer> {
  const { default: loadTesseract } = (await import(pathToFileURL(job.core).href)) as { default: LoadTesseract };
  // What it says of a broken image would stand in the answer.
  const tesseract = await loadTesseract({ print: () => undefined, printErr: () => undefined });
  tesseract.FS.writeFile(
    'own.traineddata',
    gunzipSync(readFileSync(job.language), { maxOutputLength: maxLanguageBytes }),
  );
  const api = new tesseract.TessBaseAPI();
  if (api.Init(null, 'own', lstm, '') !== 0) throw new Error('Tesseract does not take the data of its language');
  const image = readFileSync(job.file);
  return () => {
    try {
      tesseract.FS.writeFile('/input', image);
      if (api.SetImageFile(1, 0) !== 0) return { status: 'failed', text: 'it is no image that can be read' };
      if (api.Recognize(null) !== 0) return { status: 'failed', text: 'the text could not be recognised' };
      const lines = api.GetUTF8Text().split('\n');
      const text = lines.filter((line) => line.trim() !== '').join('\n');
      return { status: 'ok', text: text.slice(0, job.maxOutput) };
    } catch (error) {
      return { status: 'failed', text: error instanceof Error ? error.message : String(error) };
    }
  };
}
