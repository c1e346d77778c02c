import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { ToolError } from '../../core/tools/toolError.ts';
import { withBuildLock } from '../store/buildLock.ts';
import { defaultCacheFolder } from '../store/cacheFolder.ts';
import { npmInstall } from './npmInstall.ts';

/** A package that one tool needs, and that is too large for the extension: it is installed when it is first needed. */
export interface ToolPackage {
  readonly name: string;
  /** Exactly this one: what is tested is what runs. */
  readonly version: string;
  /** What it is and how large, for whoever waits for it. */
  readonly about: string;
  /** Packages that it cannot do without, beside its own dependencies. */
  readonly beside?: Readonly<Record<string, string>>;
}

export interface PlaceOptions {
  /** The product's own folder; a package in node_modules there or above is taken as it is. */
  readonly root: string;
  readonly cacheFolder?: string;
  readonly notify: (message: string) => void;
  readonly signal?: AbortSignal;
}

const Manifest = z.object({ version: z.string() });

/** The folder of the package, its real path; undefined where it is not installed in this version. */
export function findToolPackage(
  wanted: ToolPackage,
  options: Pick<PlaceOptions, 'root' | 'cacheFolder'>,
): string | undefined {
  const cached = packageCache(wanted, options);
  return [options.root, cached].map((start) => findAbove(start, wanted)).find((found) => found !== undefined);
}

/** The same, installed with npm where it is missing, once however many ask. @throws ToolError `not-installed` */
export async function ensureToolPackage(wanted: ToolPackage, options: PlaceOptions): Promise<string> {
  const found = findToolPackage(wanted, options);
  if (found !== undefined) return found;
  const folder = packageCache(wanted, options);
  mkdirSync(dirname(folder), { recursive: true });
  const onWait = (pid: number): void => options.notify(`Waiting: process ${pid} is installing ${wanted.name}`);
  const lock = { onWait, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  return withBuildLock(`${folder}.lock`, lock, async () => {
    const made = findAbove(folder, wanted);
    if (made !== undefined) return made;
    options.notify(`Installing ${wanted.name} ${wanted.version} (${wanted.about})`);
    const failed = (why: string): ToolError =>
      new ToolError('not-installed', `${wanted.name} could not be installed: ${why}.`);
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial);
    const manifest = { private: true, dependencies: { [wanted.name]: wanted.version, ...wanted.beside } };
    writeFileSync(join(partial, 'package.json'), JSON.stringify(manifest, null, 2));
    await npmInstall(partial, failed, options.signal);
    if (findAbove(partial, wanted) === undefined) throw failed('npm left it out');
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
    return findAbove(folder, wanted) ?? partial;
  });
}

const packageCache = (wanted: ToolPackage, { root, cacheFolder }: Pick<PlaceOptions, 'root' | 'cacheFolder'>): string =>
  join(cacheFolder ?? defaultCacheFolder(root), 'tools', `${wanted.name.replace(/[^\w.-]+/g, '-')}-${wanted.version}`);

function findAbove(start: string, { name, version }: ToolPackage): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', ...name.split('/'));
    const manifest = join(found, 'package.json');
    if (
      existsSync(manifest) &&
      Manifest.safeParse(JSON.parse(readFileSync(manifest, 'utf8'))).data?.version === version
    )
      return realpathSync(found);
    if (dirname(folder) === folder) return undefined;
  }
}
