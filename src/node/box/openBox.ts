import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { RemoteFiles } from './boxFiles.ts';
import type { Box } from './boxes.ts';
import { configFolder } from './boxes.ts';
import { SshConnection } from './ssh/connection.ts';
import type { Address } from './ssh/forward.ts';
import { connectToPort } from './ssh/forward.ts';
import { HostKeys } from './ssh/hostKeys.ts';
import type { SshPorts } from './ssh/ports.ts';
import { resolveRoute } from './ssh/sshConfig.ts';
import { SshFiles } from './ssh/sshFiles.ts';
import { SystemSshFiles } from './ssh/systemSsh.ts';

export interface OpenBoxOptions {
  readonly ports: SshPorts;
  /** Where accepted host keys are kept. */
  readonly configFolder?: string;
}

export interface OpenBox {
  readonly files: RemoteFiles;
  /**
   * A stream to a port of the box, or of a machine that it reaches; it ends when the connection is lost.
   * @throws SshError; JobError 'unreachable'
   */
  connect(to: Address, signal?: AbortSignal): Promise<Duplex>;
  close(): Promise<void>;
}

/** A box's files by its transport. Nothing is connected yet: the first call does that. */
export function openBox(box: Pick<Box, 'host' | 'transport' | 'sshConfig'>, options: OpenBoxOptions): OpenBox {
  const configFile = box.sshConfig === undefined ? {} : { configFile: box.sshConfig };
  if (box.transport === 'system-ssh') {
    const files = new SystemSshFiles({ alias: box.host, ...configFile, ...control() });
    return { files, connect: (to, signal) => files.connect(to, signal), close: () => files.close() };
  }
  const connection = new SshConnection({
    alias: box.host,
    route: (signal) => resolveRoute(box.host, { ...configFile, signal }),
    ports: options.ports,
    hostKeys: new HostKeys(join(options.configFolder ?? configFolder(), 'known_hosts'), options.ports.acceptHostKey),
  });
  return {
    files: new SshFiles(connection),
    connect: (to, signal) => connectToPort(connection, to, signal),
    close: () => {
      connection.close();
      return Promise.resolve();
    },
  };
}

/** Where only the user can put a socket, and with a short path: a socket's may have about 100 characters. */
function control(): { controlFolder?: string } {
  if (process.platform === 'win32') return {};
  const controlFolder = process.env['XDG_RUNTIME_DIR'] ?? join(homedir(), '.ssh');
  mkdirSync(controlFolder, { recursive: true, mode: 0o700 });
  return { controlFolder };
}
