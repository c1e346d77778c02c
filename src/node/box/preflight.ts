import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoxError, JobError } from './boxErrors.ts';
import type { Box } from './boxes.ts';
import type { RemoteFiles } from './boxFiles.ts';
import { printable } from './jobFolder.ts';
import { PreflightReport } from './preflightReport.ts';
import type { PythonFound } from './preflightReport.ts';
import { compareVersions, shortcomings, supported } from './pythonCheck.ts';

export interface PreflightItem {
  readonly item: string;
  /** `warn`: a job will start, and something about it may disappoint. `fail`: it will not. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly remedy?: string;
}

export interface PreflightOptions {
  /** The folder box/ of this product. */
  readonly boxFolder: string;
  /** Addresses that the box should reach, such as a package index. */
  readonly urls?: readonly string[];
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

export interface Preflight {
  readonly items: readonly PreflightItem[];
  readonly report: PreflightReport;
  /** Interpreter that can train; undefined when there is none. */
  readonly python?: string;
}

const packages = Object.keys(supported).filter((name) => name !== 'python');
const [gigabyte, wantedFree, wantedFiles, wantedGpu] = [1e9, 10e9, 10_000, 8000];
const clockSeconds = 60;

/**
 * Looks a box over before anything is sent to it: one script, run from memory.
 * @throws JobError 'unreachable', 'cannot-start' (no Python at all), 'bad-output'; SshError
 */
export async function preflight(
  files: RemoteFiles,
  box: Pick<Box, 'folder' | 'python' | 'slurm' | 'base'>,
  options: PreflightOptions,
): Promise<Preflight> {
  const { signal, now = Date.now } = options;
  const script = readFileSync(join(options.boxFolder, 'preflight.py'), 'utf8');
  const asked = {
    folder: box.folder,
    pythons: box.python === undefined ? [] : [box.python],
    packages,
    urls: options.urls ?? [],
    ...(box.base === undefined ? {} : { base: box.base }),
  };
  const before = now();
  const done = await files.exec([box.python ?? 'python3', '-c', script, JSON.stringify(asked)], {
    timeoutMs: 180_000,
    ...(signal === undefined ? {} : { signal }),
  });
  const after = now();
  const parsed = PreflightReport.safeParse(parseJson(done.stdout));
  if (!parsed.success) {
    // The last line: what is no Python may repeat the whole script in front of it.
    const lines = (done.stderr.trim() || done.stdout.trim()).split('\n');
    const said = printable((lines.at(-1) ?? '').slice(0, 200), 200).replace(/\.$/, '') || 'it said nothing';
    throw new JobError(
      'bad-output',
      `${files.host} (preflight check): ${box.python ?? 'python3'} gave no report (exit code ${done.code ?? 'none'}): ${said}. Python 3.8 or later has to run there; name its interpreter with: autoact box add … --python PATH`,
    );
  }
  const report = parsed.data;
  const python = suitable(report, box.python);
  return {
    report,
    ...(python === undefined ? {} : { python: python.path }),
    items: [
      pythonItem(report, box.python, python),
      ...(box.slurm === undefined ? gpuItems(report, python) : []),
      ...diskItems(report),
      baseItem(report, box),
      sessionItem(report, box),
      ...egressItems(report),
      clockItem(report, (before + after) / 2000, (after - before) / 1000),
      ...slurmItems(report, box),
    ],
  };
}

/** @throws BoxError 'no-python' */
export function mustHavePython(name: string, { python, items }: Preflight): string {
  if (python !== undefined) return python;
  const item = items.find((one) => one.item === 'Python');
  throw new BoxError('no-python', `Box "${name}": ${item?.found ?? 'no Python'}. ${item?.remedy ?? ''}`.trim());
}

const baseModel = 'Base model';
/** Of what `box check` marks with ✗ these keep any job from starting, whoever runs it. */
const needed = ['Disk', 'Quota', 'After logout', 'Slurm'];

/**
 * Before anything is copied to a box on which no job could start.
 * @param withBase whether the job takes the box's own base model; a server may be told of another
 * @throws JobError 'cannot-start'
 */
export function mustBeFit(name: string, { items }: Preflight, withBase = false): void {
  const all = new Set(withBase ? [...needed, baseModel] : needed);
  const wrong = items.filter(({ item, state }) => state === 'fail' && all.has(item));
  if (wrong.length === 0) return;
  const said = wrong.map(({ item, found, remedy }) => `${item}: ${found}. ${remedy ?? ''}`.trim()).join(' ');
  throw new JobError('cannot-start', `Box "${name}" (preflight check): ${said}`);
}

function suitable(report: PreflightReport, named: string | undefined): PythonFound | undefined {
  return (report.pythons ?? []).find(
    ({ path, versions }) =>
      (named === undefined || path === named) && versions !== null && lacks(versions).length === 0,
  );
}

const lacks = (versions: Readonly<Record<string, string | null>>): string[] => shortcomings(versions);

function pythonItem(report: PreflightReport, named: string | undefined, found: PythonFound | undefined): PreflightItem {
  const item = 'Python';
  if (found !== undefined && found.versions !== null) {
    const { python, torch, transformers, peft } = found.versions;
    return ok(
      item,
      `${found.path}: Python ${python ?? ''}, torch ${torch ?? ''}, transformers ${transformers ?? ''}, peft ${peft ?? ''}`,
    );
  }
  const seen = (report.pythons ?? []).filter(({ path }) => named === undefined || path === named);
  const closest = seen
    .map(({ path, versions }) => ({ path, missing: versions === null ? ['it cannot be run'] : lacks(versions) }))
    .toSorted((a, b) => a.missing.length - b.missing.length)[0];
  const canMake = seen.some(({ versions }) => versions !== null && shortcomings(versions, ['python']).length === 0);
  return {
    item,
    // An environment is made where there is a Python to make it with, unless the user has named one.
    state: canMake && named === undefined ? 'warn' : 'fail',
    found: closest === undefined ? 'none found' : `${closest.path} cannot train: ${closest.missing.join('; ')}`,
    remedy:
      canMake && named === undefined
        ? 'One with the packages is made before the first job, or now: autoact box prepare NAME'
        : 'Make an environment there with Python 3.11 or later and the packages of box/requirements.txt (python3 -m venv; pip install -r), and name its interpreter as the box\'s "python".',
  };
}

function gpuItems(report: PreflightReport, python: PythonFound | undefined): PreflightItem[] {
  const { gpu } = report;
  if (gpu === null || gpu.gpus.length === 0) {
    const found = gpu?.tool === true ? 'the driver answers, but no GPU is there' : 'no NVIDIA GPU';
    return [warn('GPU', found, 'Training runs on the processor, which is slow for all but very small models.')];
  }
  const list = gpu.gpus
    .map(({ name, memoryFree, memoryTotal, processes }) => {
      const users = processes === 0 ? '' : `, ${processes} programs on it`;
      return `${name}, ${memoryFree ?? '?'} of ${memoryTotal ?? '?'} MiB free${users}`;
    })
    .join('; ');
  const free = Math.max(...gpu.gpus.map(({ memoryFree }) => memoryFree ?? 0));
  const items = [
    free >= wantedGpu
      ? ok('GPU', list)
      : warn(
          'GPU',
          list,
          'Wait until the others are done, or choose a smaller base model; training may run out of memory.',
        ),
  ];
  const wheel = /\+cu(\d{2})(\d)$/.exec(python?.versions?.['torch'] ?? '');
  const driver = `driver ${gpu.driver ?? '?'}, CUDA ${gpu.cuda ?? '?'}`;
  // Within a major version newer minor ones run on an older driver (CUDA's minor version compatibility).
  if (wheel !== null && gpu.cuda !== null && compareVersions(gpu.cuda, `${wheel[1] ?? ''}.0`) < 0)
    items.push({
      item: 'Driver',
      state: 'fail',
      found: `${driver}, but torch was built for CUDA ${wheel[1] ?? ''}.${wheel[2] ?? ''}`,
      remedy: `Install a torch that is built for CUDA ${gpu.cuda.split('.')[0] ?? ''}, or have the driver updated.`,
    });
  else items.push(ok('Driver', driver));
  return items;
}

function diskItems(report: PreflightReport): PreflightItem[] {
  const { folder, temporary, quota } = report;
  const items: PreflightItem[] = [];
  if (folder === null) items.push(warn('Disk', 'could not be looked at', 'Check the box\'s "folder".'));
  else if (!folder.writable)
    items.push(
      fail('Disk', `${folder.path} cannot be written`, 'Choose a folder of yours: autoact box add … --folder PATH'),
    );
  else {
    const found = `${(folder.free / gigabyte).toFixed(1)} GB free at ${folder.path}`;
    const remedy = 'A job takes a few hundred MB besides its base model. Free some space, or choose another "folder".';
    if (folder.free < gigabyte || folder.freeFiles < 100) items.push(fail('Disk', found, remedy));
    else if (folder.free < wantedFree || folder.freeFiles < wantedFiles) items.push(warn('Disk', found, remedy));
    else items.push(ok('Disk', found));
    if (folder.runs === false)
      items.push(
        warn(
          'Programs',
          `nothing may be run from ${folder.path} (noexec)`,
          'Keep the Python environment in another place.',
        ),
      );
  }
  if (quota !== null) {
    const left = ((quota.limit - quota.used) * 1024) / gigabyte;
    const found = `${left.toFixed(1)} GB of the quota on ${quota.filesystem} are left`;
    items.push(
      left < 1
        ? fail('Quota', found, 'Free some space.')
        : left < 10
          ? warn('Quota', found, 'Free some space.')
          : ok('Quota', found),
    );
  }
  if (temporary !== null && (temporary.runs === false || temporary.free < gigabyte))
    items.push(
      warn(
        'Temporary files',
        `${temporary.path}: ${(temporary.free / gigabyte).toFixed(1)} GB free${temporary.runs === false ? ', nothing may be run from it' : ''}`,
        "Set TMPDIR in the box's login files to a folder with room.",
      ),
    );
  return items;
}

/** Nothing is downloaded to a box from a model hub: the base lies there, or is sent from this machine. */
function baseItem({ base }: PreflightReport, box: Pick<Box, 'base' | 'slurm'>): PreflightItem {
  if (box.base === undefined) return ok(baseModel, 'sent from this machine, once, when a job needs it');
  const missing = base?.missing ?? [];
  if (base !== null && base !== undefined && missing.length === 0)
    return ok(baseModel, `${(base.bytes / gigabyte).toFixed(1)} GB at ${base.path}`);
  const found =
    missing.length === 0
      ? `${box.base} could not be looked at`
      : `${box.base} lacks, or does not let you read: ${missing.join(', ')}`;
  const remedy =
    'Put the whole model there (config.json, tokenizer, safetensors) and let your user read it, or name another: autoact box add … --base PATH';
  // Of a cluster this is the login node; a folder that only its compute nodes see is seen by the job.
  return box.slurm === undefined
    ? fail(baseModel, found, remedy)
    : warn(baseModel, `${found} (seen from the login node)`, remedy);
}

function sessionItem(report: PreflightReport, box: Pick<Box, 'slurm'>): PreflightItem {
  const { session } = report;
  const item = 'After logout';
  if (session?.killUserProcesses === true && session.linger !== true)
    return (box.slurm === undefined ? fail : warn)(
      item,
      'the system ends your programs when you log out (KillUserProcesses)',
      'Run "loginctl enable-linger" on the box once, or ask its administrator to.',
    );
  return ok(item, session?.linger === true ? 'programs go on (linger is on)' : 'programs go on');
}

function egressItems(report: PreflightReport): PreflightItem[] {
  return (report.egress ?? []).map(({ url, ms, error }) =>
    error === null
      ? ok('Network', `${url} answers in ${ms} ms`)
      : warn(
          'Network',
          `${url} cannot be reached: ${error}`,
          'Needed only to install packages on the box; set a proxy there, or install by hand.',
        ),
  );
}

function clockItem(report: PreflightReport, localSeconds: number, uncertain: number): PreflightItem {
  const off = report.now - localSeconds;
  const found = `${Math.abs(off).toFixed(0)} s ${off < 0 ? 'behind' : 'ahead of'} this machine`;
  return Math.abs(off) > clockSeconds + uncertain
    ? warn('Clock', found, "Times of the job are the box's own. Have its clock set (NTP).")
    : ok('Clock', Math.abs(off) < 1 + uncertain ? 'right' : found);
}

function slurmItems(report: PreflightReport, box: Pick<Box, 'slurm'>): PreflightItem[] {
  if (box.slurm !== undefined && report.slurm === null)
    return [fail('Slurm', 'sbatch is not there', 'Choose the cluster\'s login node as host, or leave "slurm" out.')];
  if (box.slurm === undefined && report.slurm !== null)
    return [
      warn(
        'Slurm',
        `${report.slurm}: a cluster's login node`,
        'Do not train on a login node: use a host with a GPU of its own.',
      ),
    ];
  return report.slurm === null ? [] : [ok('Slurm', report.slurm)];
}

const ok = (item: string, found: string): PreflightItem => ({ item, state: 'ok', found: printable(found, 1000) });
const warn = (item: string, found: string, remedy: string): PreflightItem => ({
  item,
  state: 'warn',
  found: printable(found, 1000),
  remedy,
});
const fail = (item: string, found: string, remedy: string): PreflightItem => ({
  ...warn(item, found, remedy),
  state: 'fail',
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
