import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { JobError } from './boxErrors.ts';
import type { BoxFiles, BoxStat, ExecOptions, ExecResult } from './boxFiles.ts';
import { isMissing } from './boxFiles.ts';

const outputLimit = 1 << 20;

/** This machine as a box. */
export const localFiles: BoxFiles = {
  join,

  async stat(path: string): Promise<BoxStat | undefined> {
    try {
      const found = await stat(path);
      return { size: found.size, id: `${found.dev}:${found.ino}` };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await open(path, 'r');
    try {
      const buffer = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    } finally {
      await file.close();
    }
  },

  async write(path: string, content: string | Uint8Array): Promise<void> {
    const part = `${path}.${randomUUID()}.part`;
    try {
      const file = await open(part, 'w');
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw asDiskError(path, error);
    }
  },

  async makeFolder(path: string): Promise<void> {
    try {
      await mkdir(path, { recursive: true });
    } catch (error) {
      throw asDiskError(path, error);
    }
  },

  async rename(from: string, to: string): Promise<void> {
    await rename(from, to);
  },

  exec,
};

function asDiskError(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new JobError('disk', `The disk is full: ${path} could not be written. Free some space and go on.`, {
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR') {
    return new JobError('disk', `${path} cannot be written (${code}). Check the folder's permissions.`, {
      cause: error,
    });
  }
  return error;
}

function exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const [program, ...args] = command;
  if (program === undefined) throw new RangeError('exec needs a program');
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: withoutSecrets(process.env),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
      windowsHide: true,
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8');
      child[name].on('data', (chunk: string) => {
        if (texts[name].length < outputLimit) texts[name] += chunk;
      });
    }
    child.on('error', (error) => {
      reject(
        error.name === 'AbortError'
          ? error
          : new JobError('cannot-start', `${program} cannot be run: ${error.message}.`, { cause: error }),
      );
    });
    child.on('close', (code) => resolve({ code, ...texts }));
  });
}

/** A job outlives the editor, and its environment can be read in /proc: keys of model servers stay out of it. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|^NODE_|^ELECTRON_/i.test(name)),
  );
}
