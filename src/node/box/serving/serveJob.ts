import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { JobError } from '../boxErrors.ts';
import { readSmall } from '../boxFiles.ts';
import type { Job } from '../jobFolder.ts';
import { readExit, tailOfLog } from '../jobFolder.ts';
import { processLauncher } from '../launcher.ts';
import type { Address } from '../ssh/forward.ts';
import { loopback } from '../ssh/forward.ts';

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
  /** Listens where the login node of its cluster reaches it; on loopback alone when left out. */
  readonly reach?: 'login';
}

export type ServerKind = 'vllm' | 'sglang' | 'transformers' | 'command';

const Endpoint = z.object({ host: z.ipv4().default(loopback), port: z.number().int().min(1).max(65535) });
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
  const launcher = job.launcher ?? processLauncher;
  const { state } = await launcher.look(job, signal);
  const attached = state !== 'gone' && (await readExit(job, signal)) === undefined;
  // Where the one before it listened.
  if (!attached) await files.exec(['rm', '-f', path('endpoint.json')], signal === undefined ? {} : { signal });
  await launcher.start(job, [job.python, '-u', files.join(job.box, 'serve.py'), 'run', folder], signal);
  return { key, attached };
}

export async function renewLease(job: Job, signal?: AbortSignal): Promise<void> {
  await job.files.write(
    job.files.join(job.folder, 'lease'),
    `${Date.now()} ${randomBytes(4).toString('hex')}\n`,
    signal,
  );
}

/** Where the server listens; undefined while it does not. @throws JobError 'failed' when it has ended */
export async function addressOf(job: Job, name: string, signal?: AbortSignal): Promise<Address | undefined> {
  await mustRun(job, name, signal);
  const text = await readSmall(job.files, job.files.join(job.folder, 'endpoint.json'), 200, signal);
  const parsed = Endpoint.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

/**
 * @param name what the user calls the job: BOX/JOB
 * @throws JobError 'failed' when the server has ended, with the end of its log
 */
export async function mustRun(job: Job, name: string, signal?: AbortSignal): Promise<void> {
  const exit = await readExit(job, signal);
  if (exit === undefined) return;
  const log = await tailOfLog(job, signal);
  const why = exit.oom ? 'it ran out of memory' : `exit code ${exit.rc}`;
  const said = log === '' ? 'it has written no log' : `the end of its log: ${log.slice(-800)}`;
  throw new JobError(
    'failed',
    `The server ${name} in ${job.folder} has ended (${why}); ${said}\nMend what it says and serve again. The whole log: autoact jobs show ${name} --log`,
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
