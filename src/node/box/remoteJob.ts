import { join } from 'node:path';
import * as z from 'zod';
import { JobError } from './boxErrors.ts';
import type { RemoteFiles } from './boxFiles.ts';
import { readSmall } from './boxFiles.ts';
import type { Job } from './jobFolder.ts';
import type { Launcher } from './launcher.ts';
import type { PersistOptions } from './persist.ts';
import { persistently } from './persist.ts';
import type { TransferOptions } from './transfer.ts';
import { downloadFile, hashOfFolder, uploadFolder } from './transfer.ts';

export interface RemoteBox {
  readonly files: RemoteFiles;
  /** Interpreter on the box that has the trainer's packages. */
  readonly python: string;
  /** Folder on the box for code, models and jobs; `~/` is the user's home there. */
  readonly folder: string;
}

/** What of the folder box/ goes to a box. */
const isCode = (path: string): boolean => /\.(py|sh)$/.test(path) && !path.includes('__pycache__');
const isModel = (path: string): boolean => !/(^|\/)\./.test(path);

/**
 * A job on another machine. The trainer's code is put there first, under a name made of its content, so that a job
 * that runs keeps the code that it was started with. What is done with the job then is the same everywhere: startJob,
 * followJob, cancelJob, resumeJob.
 */
export async function sshJob(
  box: RemoteBox,
  options: TransferOptions & { readonly boxFolder: string; readonly id: string; readonly launcher?: Launcher },
): Promise<Job> {
  const root = await rootOf(box, options);
  const code = await uploadCode(box, options);
  const folder = box.files.join(root, 'jobs', options.id);
  const { launcher } = options;
  return { files: box.files, python: box.python, box: code, folder, ...(launcher === undefined ? {} : { launcher }) };
}

/** Puts the folder box/ on the box, once for each content, and returns where it is. */
export async function uploadCode(
  box: RemoteBox,
  options: TransferOptions & { readonly boxFolder: string },
): Promise<string> {
  const root = await rootOf(box, options);
  const hash = await hashOfFolder(options.boxFolder, isCode, options.signal);
  const code = box.files.join(root, 'code', hash.slice(0, 12));
  await uploadFolder(box.files, options.boxFolder, code, { ...options, filter: isCode });
  return code;
}

/** Puts a model (a folder in Hugging Face form) on the box, once for all jobs, and returns where it is. */
export async function uploadModel(box: RemoteBox, folder: string, options: TransferOptions = {}): Promise<string> {
  const root = await rootOf(box, options);
  const hash = await hashOfFolder(folder, isModel, options.signal);
  const to = box.files.join(root, 'models', hash.slice(0, 12));
  await uploadFolder(box.files, folder, to, { ...options, filter: isModel });
  return to;
}

/** Absolute path of the box's folder; it is made, for nobody else to read. A broken connection is waited for. */
export function rootOf(box: RemoteBox, options: PersistOptions = {}): Promise<string> {
  return persistently(options, () => makeRoot(box, options.signal));
}

async function makeRoot({ files, folder }: RemoteBox, signal?: AbortSignal): Promise<string> {
  const root = /^~(?=$|\/)/.test(folder) ? files.join(await files.home(signal), folder.slice(1)) : folder;
  if (!root.startsWith('/'))
    throw new JobError(
      'cannot-start',
      `The folder "${folder}" of the box ${files.host} is not an absolute path. Give one, or one that begins with ~/.`,
    );
  if ((await files.stat(root, signal)) === undefined) {
    await files.makeFolder(root, signal);
    // Training data and models lie there, and boxes are shared.
    await files.exec(['chmod', '700', root], signal === undefined ? {} : { signal });
  }
  return root;
}

const FileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/);
const Manifest = z.object({
  adapters: z.record(
    z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/),
    z.object({ files: z.record(FileName, z.string().regex(/^[0-9a-f]{64}$/)) }),
  ),
});
const manifestLimit = 4 << 20;

/**
 * Fetches what a finished job has made into `to`/<adapter>/, each file compared with the hash that the trainer wrote
 * down when it wrote the file. Returns the names of the adapters.
 * @throws JobError 'bad-output' when there is no manifest or it makes no sense; SshError 'checksum'
 */
export async function downloadAdapters(
  job: Job & { readonly files: RemoteFiles },
  to: string,
  options: TransferOptions = {},
): Promise<readonly string[]> {
  const { files, folder } = job;
  const path = files.join(folder, 'out', 'manifest.json');
  const text = await persistently(options, () => readSmall(files, path, manifestLimit, options.signal));
  const manifest = Manifest.safeParse(parseJson(text));
  if (!manifest.success)
    throw new JobError('bad-output', `${path} on ${files.host} is missing or no manifest. Look at the job's log.`);
  for (const [adapter, { files: hashes }] of Object.entries(manifest.data.adapters))
    for (const [name, sha256] of Object.entries(hashes))
      await downloadFile(files, files.join(folder, 'out', adapter, name), join(to, adapter, name), {
        ...options,
        sha256,
      });
  await downloadFile(files, path, join(to, 'manifest.json'), options);
  return Object.keys(manifest.data.adapters);
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
