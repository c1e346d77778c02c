import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface BuildLockOptions {
  /** Called once when another process has the lock. */
  readonly onWait: (pid: number) => void;
  readonly signal?: AbortSignal;
  readonly pollMs?: number;
}

/** Runs `work` while no other process does. The lock of a process that is gone is taken over. */
export async function withBuildLock<T>(path: string, options: BuildLockOptions, work: () => Promise<T>): Promise<T> {
  for (let told = false; ;) {
    options.signal?.throwIfAborted();
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const owner = ownerOf(path);
    if (owner !== undefined && !isAlive(owner)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told && owner !== undefined) options.onWait(owner);
    told = told || owner !== undefined;
    await sleep(options.pollMs ?? 500, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** undefined when the lock has just gone, or its owner has not written its number yet. */
function ownerOf(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
