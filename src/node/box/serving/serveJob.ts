import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { JobError } from '../boxErrors.ts';
import { readSmall } from '../boxFiles.ts';
import type { Job } from '../jobFolder.ts';
import { callSupervisor, readExit, tailOfLog } from '../jobFolder.ts';

/** What box/serve.py starts; the job's folder is named by it. */
export interface ServeSpec {
  readonly kind: 'serve';
  readonly server: ServerKind;
  readonly base: string;
  /** Served name -> folder on the box. */
  readonly adapters: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  /** How long the server stays without a client that renews its lease. 0: for ever. */
  readonly leaseSeconds: number;
  /** The GPU to use, by its index. */
  readonly gpu?: number;
}

export type ServerKind = 'vllm' | 'sglang' | 'transformers' | 'command';

const Endpoint = z.object({ port: z.number().int().min(1).max(65535) });
const Key = z.string().regex(/^[0-9a-f]{64}$/);
const specLimit = 1 << 20;

/**
 * Puts a server into its job folder and starts it, or attaches to it while it runs. Its key is the same for every
 * client: it lies in the folder, for its owner alone to read.
 * @throws JobError
 */
export async function startServer(
  job: Job,
  spec: ServeSpec,
  signal?: AbortSignal,
): Promise<{ readonly key: string; readonly attached: boolean }> {
  const { files, folder } = job;
  const path = (name: string): string => files.join(folder, name);
  const content = `${JSON.stringify(spec, null, 2)}\n`;
  await files.makeFolder(folder, signal);
  const found = await readSmall(files, path('spec.json'), specLimit, signal);
  if (found !== undefined && found !== content)
    throw new JobError('other-job', `${folder} holds another server. Remove that folder on the box.`);
  let key = await keyOf(job, signal);
  if (key === undefined) {
    key = randomBytes(32).toString('hex');
    await files.write(path('key'), `${key}\n`, signal);
    await files.exec(['chmod', '600', path('key')], signal === undefined ? {} : { signal });
    // Another client may have been faster: what lies there now is what the server reads.
    key = (await keyOf(job, signal)) ?? key;
  }
  await renewLease(job, signal);
  if (found === undefined) await files.write(path('spec.json'), content, signal);
  const status = await callSupervisor(job, 'status', [], signal);
  // Where the one before it listened.
  if (!status.running) await files.exec(['rm', '-f', path('endpoint.json')], signal === undefined ? {} : { signal });
  await callSupervisor(job, 'again', [job.python, '-u', files.join(job.box, 'serve.py'), 'run', folder], signal);
  return { key, attached: status.running };
}

export async function renewLease(job: Job, signal?: AbortSignal): Promise<void> {
  await job.files.write(
    job.files.join(job.folder, 'lease'),
    `${Date.now()} ${randomBytes(4).toString('hex')}\n`,
    signal,
  );
}

/** The port that the server has taken; undefined while it has none. @throws JobError 'failed' when it has ended */
export async function portOf(job: Job, signal?: AbortSignal): Promise<number | undefined> {
  await mustRun(job, signal);
  const text = await readSmall(job.files, job.files.join(job.folder, 'endpoint.json'), 200, signal);
  const parsed = Endpoint.safeParse(parseJson(text));
  return parsed.success ? parsed.data.port : undefined;
}

/** @throws JobError 'failed' when the server has ended, with the end of its log */
export async function mustRun(job: Job, signal?: AbortSignal): Promise<void> {
  const exit = await readExit(job, signal);
  if (exit === undefined) return;
  const log = await tailOfLog(job, signal);
  const why = exit.oom ? 'it ran out of memory' : `exit code ${exit.rc}`;
  throw new JobError(
    'failed',
    `The server in ${job.folder} has ended (${why})${log === '' ? '' : `; the end of its log: ${log.slice(-800)}`}`,
  );
}

async function keyOf(job: Job, signal?: AbortSignal): Promise<string | undefined> {
  const text = await readSmall(job.files, job.files.join(job.folder, 'key'), 200, signal);
  const parsed = Key.safeParse(text?.trim());
  return parsed.success ? parsed.data : undefined;
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
