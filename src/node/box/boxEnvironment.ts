import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BoxError } from './boxErrors.ts';
import type { JobEnd } from './followJob.ts';
import { followJob } from './followJob.ts';
import { cancelJob, startJob } from './job.ts';
import type { Job } from './jobFolder.ts';
import { persistently } from './persist.ts';
import type { Preflight } from './preflight.ts';
import type { PreflightReport } from './preflightReport.ts';
import { compareVersions, shortcomings } from './pythonCheck.ts';
import type { RemoteBox } from './remoteJob.ts';
import { rootOf, uploadCode } from './remoteJob.ts';
import type { TransferOptions } from './transfer.ts';
import { hashOfFolder, listFolder, uploadFolder } from './transfer.ts';

export interface BoxEnvironmentOptions extends TransferOptions {
  /** How the user calls the box. */
  readonly name: string;
  /** The folder box/ of this product. */
  readonly boxFolder: string;
  /** A folder on this machine with a wheel of every package, for a box without internet. */
  readonly wheelhouse?: string;
  /** Requirements with hashes. */
  readonly lockFile?: string;
  /** Requirements without hashes, installed after them: torch, whose build depends on the box. */
  readonly extraFile?: string | null;
  /** What has to load in the end. */
  readonly imports?: readonly string[];
  readonly tell?: (message: string) => void;
  readonly pollMs?: number;
}

const torch = /^torch==\S+$/m;
const index = 'https://download.pytorch.org/whl';

/**
 * The interpreter for jobs on a box: one of the user's that fits, else an environment that is made in the box's folder,
 * once, and named by all that decides what is in it. It is made by a job of its own, so that a broken connection or a
 * second client does no harm; what is half made is never used. Whoever aborts the wait stops the making.
 * @throws BoxError 'no-python'; JobError 'unreachable'
 */
export async function ensureBoxPython(
  box: Omit<RemoteBox, 'python'>,
  found: Preflight,
  options: BoxEnvironmentOptions,
): Promise<string> {
  if (found.python !== undefined) return found.python;
  const { files } = box;
  const { name, boxFolder, signal, wheelhouse, imports = ['torch', 'transformers', 'peft', 'safetensors'] } = options;
  const base = builder(found.report);
  if (base === undefined)
    throw new BoxError(
      'no-python',
      `Box "${name}": there is no Python 3.11 or later. Have one installed there, or name one: autoact box add ${name} HOST --python PATH`,
    );
  const lock = readFileSync(options.lockFile ?? join(boxFolder, 'requirements.lock'), 'utf8');
  const extra = extraOf(boxFolder, options.extraFile);
  const from = wheelhouse === undefined && extra !== undefined ? torchIndex(found.report) : undefined;
  const remote = { ...box, python: base.path };
  const root = await rootOf(remote, options);
  const house = wheelhouse === undefined ? undefined : await sendWheels(remote, root, wheelhouse, options);
  const spec = {
    lock: 'requirements.lock',
    ...(extra === undefined ? {} : { extra: 'extra.txt' }),
    ...(house === undefined ? {} : { wheelhouse: house }),
    ...(from === undefined ? {} : { index: from }),
    imports,
  };
  const { platform, machine } = found.report.system;
  // Where the wheels lie does not matter, what they are does: a lock does not say which build of torch it is.
  const inputs = [
    lock,
    extra,
    from,
    house === undefined ? null : basename(house),
    base.version,
    platform,
    machine,
    imports,
  ];
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
  const job = {
    files,
    python: base.path,
    box: await uploadCode(remote, options),
    folder: files.join(root, 'environments', key),
    program: 'environment.py',
  };
  const data = { 'data/requirements.lock': lock, ...(extra === undefined ? {} : { 'data/extra.txt': extra }) };
  options.tell?.(`making the Python environment on ${name}`);
  const make = async (): Promise<JobEnd> => {
    await persistently(options, () => startJob(job, spec, data, signal));
    return followJob(job, {
      onEvent: (event) => {
        if (event.type === 'progress') options.tell?.(`${name}: ${event.message}`);
      },
      onState: ({ state }) => {
        if (state === 'lost-contact') options.tell?.(`${name}: lost contact; the environment goes on being made`);
      },
      pollMs: options.pollMs ?? 1000,
      ...(signal === undefined ? {} : { signal }),
    });
  };
  let end: JobEnd;
  try {
    end = await make();
    // Another client that waited for the same one has given up.
    if (end.state === 'cancelled') end = await make();
  } catch (error) {
    // It is in no list of jobs: nobody would know that it goes on. What is half made is never used.
    if (signal?.aborted === true) await giveUp(job, name, options.tell);
    throw error;
  }
  const python = files.join(job.folder, 'venv', 'bin', 'python');
  if (end.state === 'finished' && end.exit.rc === 0) {
    if ((await files.stat(python, signal)) !== undefined) return python;
    throw new BoxError(
      'no-python',
      `Box "${name}": ${python} has been removed. Remove ${job.folder} too and try again.`,
    );
  }
  const why =
    end.state === 'finished' ? (end.error?.message ?? lastLine(end.log)) : `it was ${end.state} before it was whole`;
  throw new BoxError(
    'no-python',
    `Box "${name}": the Python environment could not be made: ${why} The whole log is in ${files.join(job.folder, 'log')} there.`,
  );
}

async function giveUp(job: Job, name: string, tell: (message: string) => void = () => undefined): Promise<void> {
  try {
    await persistently({ attempts: 3 }, () => cancelJob(job));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    tell(`${name} could not be told to stop making the environment in ${job.folder}: ${why}`);
  }
}

/** An interpreter of a version that the trainer runs with, whatever packages it has. */
function builder(report: PreflightReport): { path: string; version: string } | undefined {
  for (const { path, versions } of report.pythons ?? [])
    if (versions !== null && shortcomings(versions, ['python']).length === 0)
      return { path, version: versions['python'] ?? '' };
  return undefined;
}

function extraOf(boxFolder: string, file: string | null | undefined): string | undefined {
  if (file === null) return undefined;
  if (file !== undefined) return readFileSync(file, 'utf8');
  const pinned = torch.exec(readFileSync(join(boxFolder, 'requirements.txt'), 'utf8'))?.[0];
  return pinned === undefined ? undefined : `${pinned}\n`;
}

/** Where the build of torch is that the box's driver runs; undefined for the package index's own, made for CUDA 13. */
function torchIndex({ gpu }: PreflightReport): string | undefined {
  if (gpu === null || gpu.gpus.length === 0) return `${index}/cpu`;
  return gpu.cuda !== null && compareVersions(gpu.cuda, '13') < 0 ? `${index}/cu126` : undefined;
}

const isWheel = (path: string): boolean => path.endsWith('.whl');

async function sendWheels(
  box: RemoteBox,
  root: string,
  folder: string,
  options: BoxEnvironmentOptions,
): Promise<string> {
  const wheels = await listFolder(folder, isWheel).catch(() => []);
  if (wheels.length === 0)
    throw new BoxError(
      'bad-box',
      `There are no wheels in ${folder}. Fill it: pip download --only-binary=:all: -d ${folder} -r box/requirements.lock, and torch as box/requirements.txt names it, with --platform and --python-version of the box.`,
    );
  const hash = await hashOfFolder(folder, isWheel, options.signal);
  const to = box.files.join(root, 'wheelhouses', hash.slice(0, 12));
  await uploadFolder(box.files, folder, to, { ...options, filter: isWheel });
  return to;
}

const lastLine = (log: string): string => log.split('\n').at(-1) ?? '';
