/** What is sent to the sandbox's process, and what it answers; one line of JSON each. */
export interface PythonJob {
  readonly kind: 'python';
  readonly code: string;
  /** Folder of Pyodide, with a separator at its end. */
  readonly pyodide: string;
  /** Characters of output that are kept. */
  readonly maxOutput: number;
}

export interface DatabaseJob {
  readonly kind: 'database';
  readonly file: string;
  readonly sql: string;
  readonly maxRows: number;
}

/** Reads the text in an image. */
export interface OcrJob {
  readonly kind: 'ocr';
  readonly file: string;
  /** The program of tesseract.js-core; its WebAssembly lies beside it. */
  readonly core: string;
  /** Tesseract's data of one language, gzipped. */
  readonly language: string;
  readonly maxOutput: number;
}

export type SandboxJob = PythonJob | DatabaseJob | OcrJob;

/** Sent when everything is loaded; the time of the job itself counts from here. */
export const readyLine = '{"ready":true}';

/** `failed`: the code or statement is at fault, and the text says why. */
export interface SandboxAnswer {
  readonly status: 'ok' | 'failed';
  readonly text: string;
}
