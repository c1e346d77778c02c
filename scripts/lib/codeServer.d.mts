import type { ChildProcess } from 'node:child_process';

export function startCodeServer(options: {
  dataDir: string;
  trusted?: boolean;
  home?: string;
}): Promise<{ server: ChildProcess; port: number }>;
export function windowAddress(
  port: number,
  folder: string | undefined,
  extension: string,
  extensionTests?: string,
): string;
