import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { packageRoot } from '../packageRoot.ts';
import { writeFileAtomic } from '../store/atomicFile.ts';
import { withBuildLock } from '../store/buildLock.ts';
import { defaultCacheFolder } from '../store/cacheFolder.ts';
import { PythonError } from './boxErrors.ts';
import { installAdvice, mustRun, sizesOf } from './pipInstall.ts';
import { shortcomings, versionsOf } from './pythonCheck.ts';

export interface PythonOptions {
  /** Where environments are kept; made when missing. */
  readonly cacheFolder?: string;
  readonly requirementsFile?: string;
  /** Further requirements put into the same environment, such as those of the tests. */
  readonly furtherFiles?: readonly string[];
  /** An interpreter of the user's that has the packages; else the variable AUTOACT_PYTHON is looked at. */
  readonly interpreter?: string;
  readonly onProgress?: (message: string) => void;
  readonly signal?: AbortSignal;
}

const Marker = z.object({ requirements: z.string(), further: z.array(z.string()), python: z.string() });
type Marker = z.infer<typeof Marker>;

const candidates =
  process.platform === 'win32' ? ['py', 'python'] : ['python3', 'python3.13', 'python3.12', 'python3.11', 'python'];
const interpreterIn = (folder: string): string =>
  join(folder, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));
const gigabyte = 1e9;

/**
 * The path of a Python that has what the trainer needs. Takes the user's interpreter when one is named; else an
 * environment in the cache folder, which is made on first need and found at once from then on. An environment is named
 * by its requirements and Python version, and counts only when its `.ok` file, written last, is there.
 * @throws PythonError
 */
export async function ensurePython(options: PythonOptions = {}): Promise<string> {
  const onProgress = options.onProgress ?? ((message: string) => void process.stderr.write(`${message}\n`));
  const found = await findPython(options);
  if (found !== undefined) return found;

  const { cache, requirements, further, wanted } = resolveOptions(options);
  try {
    mkdirSync(cache, { recursive: true });
  } catch (error) {
    throw new PythonError(
      'cannot-write',
      `The folder ${cache} for the Python environment cannot be made: ${messageOf(error)}`,
      { cause: error },
    );
  }
  return withBuildLock(
    join(cache, 'python.lock'),
    {
      onWait: (pid) => onProgress(`Waiting: process ${pid} is making the Python environment`),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
    async () => {
      // Another process may have made it while this one waited.
      const made = findReady(cache, wanted);
      if (made !== undefined) return interpreterIn(made);
      return build({ cache, requirements, further, wanted, onProgress, signal: options.signal });
    },
  );
}

/** What {@link ensurePython} would take at once, without making anything; undefined when it would have to. @throws PythonError */
export async function installedPython(
  options: Pick<PythonOptions, 'interpreter' | 'signal'> = {},
): Promise<string | undefined> {
  const named = options.interpreter ?? process.env['AUTOACT_PYTHON'];
  if (named !== undefined && named !== '') return acceptInterpreter(named, options.signal);
  const root = packageRoot();
  const wanted = {
    requirements: hashOf(join(root, 'box', 'requirements.txt')),
    further: developmentFiles(root).map(hashOf),
  };
  const ready = findReady(defaultCacheFolder(root), wanted);
  return ready === undefined ? undefined : interpreterIn(ready);
}

/**
 * What `ensurePython` would return without making anything; undefined when there is nothing yet.
 * @throws PythonError 'unsuitable' when the interpreter that the user named cannot train.
 */
export async function findPython(options: PythonOptions = {}): Promise<string | undefined> {
  const named = options.interpreter ?? process.env['AUTOACT_PYTHON'];
  if (named !== undefined && named !== '') return acceptInterpreter(named, options.signal);
  const { cache, wanted } = resolveOptions(options);
  const ready = findReady(cache, wanted);
  return ready === undefined ? undefined : interpreterIn(ready);
}

function resolveOptions(options: PythonOptions): Pick<Build, 'cache' | 'requirements' | 'further' | 'wanted'> {
  const root = packageRoot();
  const requirements = options.requirementsFile ?? join(root, 'box', 'requirements.txt');
  const further = options.furtherFiles ?? developmentFiles(root);
  return {
    cache: options.cacheFolder ?? defaultCacheFolder(root),
    requirements,
    further,
    wanted: { requirements: hashOf(requirements), further: further.map(hashOf) },
  };
}

async function acceptInterpreter(python: string, signal: AbortSignal | undefined): Promise<string> {
  const advice =
    'Install the packages of box/requirements.txt there, or leave the interpreter unset to have an environment made.';
  let missing: string[];
  try {
    missing = shortcomings(
      await versionsOf(python, ['torch', 'transformers', 'peft', 'safetensors', 'tokenizers', 'numpy'], signal),
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw new PythonError('unsuitable', `The interpreter ${python} cannot be used: ${messageOf(error)} ${advice}`, {
      cause: error,
    });
  }
  if (missing.length > 0)
    throw new PythonError('unsuitable', `The interpreter ${python} cannot train: ${missing.join('; ')}. ${advice}`);
  return python;
}

function findReady(cache: string, wanted: Omit<Marker, 'python'>): string | undefined {
  const names = existsSync(cache) ? readdirSync(cache).filter((name) => /^python(-[0-9a-f]+)?$/.test(name)) : [];
  return names
    .map((name) => join(cache, name))
    .find((folder) => {
      const marker = readMarker(folder);
      return (
        marker?.requirements === wanted.requirements &&
        wanted.further.every((hash) => marker.further.includes(hash)) &&
        existsSync(interpreterIn(folder))
      );
    });
}

interface Build {
  readonly cache: string;
  readonly requirements: string;
  readonly further: readonly string[];
  readonly wanted: Omit<Marker, 'python'>;
  readonly onProgress: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}

async function build({ cache, requirements, further, wanted, onProgress, signal }: Build): Promise<string> {
  const { python, version } = await systemPython(signal);
  const key = createHash('sha256')
    .update(`${wanted.requirements} ${version} ${process.platform} ${process.arch}`)
    .digest('hex')
    .slice(0, 12);
  const folder = join(cache, `python-${key}`);
  const own = interpreterIn(folder);
  const pip = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off'];
  const temporary = join(cache, 'tmp');
  // Wheels are unpacked where the environment goes: /tmp is often a small part of the memory.
  const env = { ...process.env, TMPDIR: temporary, PYTHONDONTWRITEBYTECODE: '1' };
  mkdirSync(temporary, { recursive: true });

  if (readMarker(folder)?.requirements !== wanted.requirements) {
    announce(requirements, folder, cache, onProgress);
    rmSync(folder, { recursive: true, force: true });
    const advice = `Install the system's venv package (Debian and Ubuntu: apt install python3-venv), or name another interpreter in AUTOACT_PYTHON.`;
    await mustRun(python, ['-m', 'venv', folder], { env, signal, cache, advice });
    await mustRun(own, [...pip, '-r', requirements], {
      env,
      signal,
      cache,
      advice: installAdvice,
      onLine: sizesOf(onProgress),
    });
    onProgress('Checking that PyTorch, transformers and peft load');
    await mustRun(own, ['-c', 'import torch, transformers, peft, safetensors'], {
      env,
      signal,
      cache,
      advice: installAdvice,
    });
  }
  const missing = shortcomings(await versionsOf(own, ['torch', 'transformers', 'peft'], signal), [
    'python',
    'torch',
    'transformers',
    'peft',
  ]);
  if (missing.length > 0)
    throw new PythonError(
      'install-failed',
      `The new environment in ${folder} is not what it should be: ${missing.join('; ')}.`,
    );
  writeMarker(folder, { requirements: wanted.requirements, further: [], python: version });
  if (further.length > 0) {
    await mustRun(own, [...pip, ...further.flatMap((file) => ['-r', file])], {
      env,
      signal,
      cache,
      advice: installAdvice,
    });
    writeMarker(folder, { ...wanted, python: version });
  }
  pointTo(join(cache, 'python'), folder);
  onProgress(`The Python environment is ready: ${folder}`);
  return own;
}

function announce(requirements: string, folder: string, cache: string, onProgress: (message: string) => void): void {
  const names = readFileSync(requirements, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^[a-z]/i.test(line));
  const space = statfsSync(cache);
  const free = (space.bavail * space.bsize) / gigabyte;
  onProgress(`Making a Python environment for training in ${folder}: ${names.join(', ')}`);
  if (process.platform === 'linux') {
    onProgress(
      'Download: where the package index serves PyTorch with CUDA (PyPI does), about 3 GB, 5 GB on disk; where it serves a CPU build, about 250 MB, 1 GB on disk. PyTorch names the index of its CPU builds on its start page; PIP_EXTRA_INDEX_URL takes it.',
    );
  } else {
    onProgress('Download: about 250 MB, 1 GB on disk.');
  }
  if (free < 1.5) {
    throw new PythonError(
      'no-space',
      `Only ${free.toFixed(1)} GB are free for the Python environment in ${cache}; it takes 1 GB with a CPU build of PyTorch, 5 GB with CUDA. Free some space, or set AUTOACT_PYTHON to an interpreter that has the packages.`,
    );
  }
  if (free < 9)
    onProgress(
      `Note: ${free.toFixed(1)} GB are free there; a build with CUDA takes 5 GB, and as much again while it is installed.`,
    );
}

async function systemPython(signal: AbortSignal | undefined): Promise<{ python: string; version: string }> {
  const seen: string[] = [];
  for (const python of candidates) {
    try {
      const found = await versionsOf(python, [], signal);
      if (shortcomings(found, ['python']).length === 0) return { python, version: found['python'] ?? '' };
      seen.push(`${python} is ${found['python'] ?? 'unknown'}`);
    } catch {
      signal?.throwIfAborted();
    }
  }
  const have = seen.length === 0 ? 'none was found' : seen.join(', ');
  throw new PythonError(
    'not-found',
    `Training needs Python 3.11 or later (${have}). Install it (Debian and Ubuntu: apt install python3 python3-venv), or set AUTOACT_PYTHON to an interpreter.`,
  );
}

/** A stable path for scripts. A real folder of that name is somebody else's and stays. */
function pointTo(link: string, folder: string): void {
  try {
    if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true) unlinkSync(link);
    if (!existsSync(link)) symlinkSync(folder, link, process.platform === 'win32' ? 'junction' : 'dir');
  } catch {
    // Only a convenience: the path that is returned is the folder's own.
  }
}

function developmentFiles(root: string): string[] {
  return existsSync(join(root, 'test', 'python')) ? [join(root, 'box', 'requirements-dev.txt')] : [];
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function readMarker(folder: string): Marker | undefined {
  try {
    const parsed = Marker.safeParse(JSON.parse(readFileSync(join(folder, '.ok'), 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function writeMarker(folder: string, marker: Marker): void {
  writeFileAtomic(join(folder, '.ok'), `${JSON.stringify(marker)}\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
