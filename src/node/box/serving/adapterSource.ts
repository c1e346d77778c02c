import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Probe } from '../../embedded/probe.ts';
import { parseProbes } from '../../embedded/probe.ts';
import { JobError } from '../boxErrors.ts';
import type { RemoteFiles } from '../boxFiles.ts';
import { readSmall } from '../boxFiles.ts';

/** An adapter that can be served: what it is, and where it lies. */
export interface AdapterSource {
  /** What the group calls it: plan, tool, reflect. */
  readonly name: string;
  /** SHA-256 of its weights. */
  readonly sha256: string;
  readonly rank: number;
  /** What the trainer recorded of it; empty for an adapter from elsewhere. */
  readonly probes: readonly Probe[];
  readonly place: { readonly here: string } | { readonly onBox: string };
}

const weights = 'adapter_model.safetensors';
const fileLimit = 4 << 20;
const AdapterName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'a name has letters, digits, _ and -');
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Config = z.object({ r: z.number().int().positive() });
const Manifest = z.object({ adapters: z.record(AdapterName, z.object({ files: z.record(z.string(), Sha256) })) });

/** A server's cache may tell adapters apart by their names alone: other weights have another name. */
export function servedName({ name, sha256 }: Pick<AdapterSource, 'name' | 'sha256'>): string {
  return `${name}-${sha256.slice(0, 8)}`;
}

/** An adapter in peft's form on this machine. @throws JobError 'bad-output' when it is none */
export function adapterHere(name: string, folder: string): AdapterSource {
  const read = (file: string): string | undefined => {
    try {
      return readFileSync(join(folder, file), 'utf8');
    } catch {
      return undefined;
    }
  };
  let content: Buffer;
  try {
    content = readFileSync(join(folder, weights));
  } catch (error) {
    throw notAnAdapter(name, folder, `there is no ${weights}`, error);
  }
  return {
    name: checkedName(name, folder),
    sha256: createHash('sha256').update(content).digest('hex'),
    rank: rankOf(name, folder, read('adapter_config.json')),
    probes: probesOf(join(folder, 'probes.json'), read('probes.json')),
    place: { here: folder },
  };
}

/**
 * What a finished training job on the box has made; nothing is copied.
 * @param name what the user calls the job: BOX/JOB
 * @throws JobError 'bad-output'
 */
export async function adaptersOfJob(
  files: RemoteFiles,
  jobFolder: string,
  name: string,
  signal?: AbortSignal,
): Promise<readonly AdapterSource[]> {
  const out = files.join(jobFolder, 'out');
  const text = await readSmall(files, files.join(out, 'manifest.json'), fileLimit, signal);
  const manifest = Manifest.safeParse(parseJson(text));
  if (!manifest.success)
    throw new JobError(
      'bad-output',
      `The job ${name} has no adapters to serve: ${text === undefined ? `it has not finished a training (there is no ${files.join(out, 'manifest.json')})` : 'its manifest makes no sense'}. Look at it with: autoact jobs show ${name}`,
    );
  const found: AdapterSource[] = [];
  for (const [name, { files: hashes }] of Object.entries(manifest.data.adapters)) {
    const folder = files.join(out, name);
    const read = (file: string): Promise<string | undefined> =>
      readSmall(files, files.join(folder, file), fileLimit, signal);
    const sha256 = hashes[weights];
    if (sha256 === undefined) throw notAnAdapter(name, folder, `the manifest names no ${weights}`);
    found.push({
      name,
      sha256,
      rank: rankOf(name, folder, await read('adapter_config.json')),
      probes: probesOf(files.join(folder, 'probes.json'), await read('probes.json')),
      place: { onBox: folder },
    });
  }
  return found;
}

function checkedName(name: string, folder: string): string {
  const parsed = AdapterName.safeParse(name);
  if (!parsed.success) throw notAnAdapter(name, folder, parsed.error.issues[0]?.message ?? 'its name cannot be used');
  return name;
}

function rankOf(name: string, folder: string, config: string | undefined): number {
  const parsed = Config.safeParse(parseJson(config));
  if (!parsed.success) throw notAnAdapter(name, folder, 'its adapter_config.json is missing or has no rank (r)');
  return parsed.data.r;
}

const probesOf = (path: string, text: string | undefined): readonly Probe[] =>
  text === undefined ? [] : parseProbes(path, text);

function notAnAdapter(name: string, folder: string, problem: string, cause?: unknown): JobError {
  return new JobError(
    'bad-output',
    `The adapter ${name} in ${folder} cannot be served: ${problem}. Name a folder in peft's form, as training leaves it.`,
    cause === undefined ? {} : { cause },
  );
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
