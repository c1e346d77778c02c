import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmInstall } from '../packages/npmInstall.ts';
import { withBuildLock } from '../store/buildLock.ts';
import { defaultCacheFolder } from '../store/cacheFolder.ts';
import { EngineError } from './engineErrors.ts';
import { ENGINE_VERSION, locateEngine, type EngineLocation } from './engineLocation.ts';

export interface EngineInstallOptions {
  /** The package's own folder; an engine beside it is taken as it is. */
  readonly root: string;
  /** Where engines are kept; made when missing. */
  readonly cacheFolder?: string;
  readonly onProgress: (message: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The engine beside the package or in the user's cache; else installs it there with npm, once. An extension cannot carry
 * it: it is larger than everything else together, and differs by platform. Its packages' install scripts are not run.
 * @throws EngineError `not-installed` when npm is missing or fails
 */
export async function ensureEngine(options: EngineInstallOptions): Promise<EngineLocation> {
  const cache = options.cacheFolder ?? defaultCacheFolder(options.root);
  const folder = engineFolder(options.root, cache);
  const found = tryLocate([options.root, folder]);
  if (found !== undefined) return found;
  mkdirSync(cache, { recursive: true });
  const waiting = (pid: number): void => {
    options.onProgress(`Waiting: process ${pid} is installing the embedded engine`);
  };
  return withBuildLock(
    join(cache, 'engine.lock'),
    { onWait: waiting, ...(options.signal === undefined ? {} : { signal: options.signal }) },
    async () => {
      // Another process may have installed it while this one waited.
      const made = tryLocate([folder]);
      if (made !== undefined) return made;
      options.onProgress(`Installing the embedded engine node-llama-cpp ${ENGINE_VERSION} (a download of some 70 MB)`);
      const partial = `${folder}.partial`;
      rmSync(partial, { recursive: true, force: true });
      mkdirSync(partial);
      writeFileSync(join(partial, 'package.json'), JSON.stringify(manifest(options.root), null, 2));
      await npmInstall(partial, failed, options.signal);
      locateEngine([partial]);
      rmSync(folder, { recursive: true, force: true });
      renameSync(partial, folder);
      return locateEngine([folder]);
    },
  );
}

/** Where {@link ensureEngine} puts the engine. */
export function engineFolder(root: string, cache = defaultCacheFolder(root)): string {
  return join(cache, `engine-${ENGINE_VERSION}`);
}

function tryLocate(roots: readonly string[]): EngineLocation | undefined {
  try {
    return locateEngine(roots);
  } catch (error) {
    if (EngineError.is(error, 'not-installed')) return undefined;
    throw error;
  }
}

/** The overrides of our own manifest keep hundreds of megabytes of GPU variants out. */
function manifest(root: string): object {
  const { overrides } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { overrides?: object };
  return { private: true, dependencies: { 'node-llama-cpp': ENGINE_VERSION }, overrides };
}

const failed = (why: string): EngineError =>
  new EngineError(
    'not-installed',
    `The embedded engine could not be installed: ${why}; or choose another model server.`,
  );
