import { lookup } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SshConnection } from '../../src/node/box/ssh/connection.ts';
import type { SshConnectionOptions } from '../../src/node/box/ssh/connection.ts';
import { HostKeys } from '../../src/node/box/ssh/hostKeys.ts';
import type { HostKeyQuestion, SecretRequest, SecretStore } from '../../src/node/box/ssh/ports.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { resolveRoute } from '../../src/node/box/ssh/sshConfig.ts';
import { SshFiles } from '../../src/node/box/ssh/sshFiles.ts';
import { user } from '../harness/sshd.ts';

/** A name that no host has. */
export const nobodysName = 'no-such-host.invalid';
/** For `it(…, { skip })`: whether a name server says so, or why it cannot be asked. */
export const withoutNames: string | false = await lookup(nobodysName).then(
  () => 'every name is resolved here',
  (error: unknown) =>
    error instanceof Error && 'code' in error && error.code === 'ENOTFOUND' ? false : 'no name server answers here',
);

export interface ConfigHost {
  readonly alias: string;
  readonly port: number;
  readonly lines?: readonly string[];
}

/** An ssh_config of its own, which looks at nothing of the user's. Returns its path. */
export function writeConfig(folder: string, hosts: readonly ConfigHost[], name = 'config'): string {
  const path = join(folder, name);
  const blocks = hosts.map(({ alias, port, lines = [] }) =>
    [`Host ${alias}`, 'HostName 127.0.0.1', `Port ${port}`, ...lines].join('\n  '),
  );
  const common = [
    'Host *',
    `User ${user}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    'IdentityFile none',
    `UserKnownHostsFile ${join(folder, 'known_hosts')}`,
    'GlobalKnownHostsFile none',
    'ConnectTimeout 10',
  ].join('\n  ');
  writeFileSync(path, `${[...blocks, common].join('\n\n')}\n`);
  return path;
}

export interface Client {
  readonly connection: SshConnection;
  readonly files: SshFiles;
  readonly questions: HostKeyQuestion[];
  readonly asked: SecretRequest[];
}

export interface ClientOptions extends Partial<SshConnectionOptions> {
  readonly config: string;
  readonly alias: string;
  readonly folder: string;
  /** Answers in order; undefined when they are used up. */
  readonly answers?: readonly string[];
  readonly accept?: boolean;
  readonly secrets?: SecretStore;
}

export function client(options: ClientOptions): Client {
  const questions: HostKeyQuestion[] = [];
  const asked: SecretRequest[] = [];
  const answers = [...(options.answers ?? [])];
  const acceptHostKey = (question: HostKeyQuestion): Promise<boolean> => {
    questions.push(question);
    return Promise.resolve(options.accept === true);
  };
  const { config, alias, folder, answers: _answers, accept: _accept, secrets, ...rest } = options;
  const connection = new SshConnection({
    alias,
    route: (signal) => resolveRoute(alias, { configFile: config, signal }),
    ports: {
      askSecret: (request) => {
        asked.push(request);
        return Promise.resolve(answers.shift());
      },
      acceptHostKey,
      secrets: secrets ?? memorySecrets(),
    },
    hostKeys: new HostKeys(join(folder, 'our_known_hosts'), acceptHostKey),
    retryMs: 20,
    ...rest,
  });
  return { connection, files: new SshFiles(connection), questions, asked };
}
