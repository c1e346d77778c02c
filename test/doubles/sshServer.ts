import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { AuthContext } from 'ssh2';
import ssh2 from 'ssh2';

/** What a login attempt was, as the server saw it. */
export interface Attempt {
  readonly method: string;
  readonly password?: string;
  readonly answers?: readonly string[];
}

export interface SshServerDouble {
  readonly port: number;
  /** In SSH's wire format. */
  readonly hostKey: Buffer;
  readonly attempts: Attempt[];
  close(): void;
}

/** true lets in; a list refuses and names what may be tried; `partial` accepts this method and wants one of those too. */
export type Verdict = true | readonly string[] | { readonly partial: readonly string[] };

export interface SshServerOptions {
  readonly password?: (password: string) => Verdict;
  readonly questions?: readonly { readonly prompt: string; readonly echo: boolean }[];
  readonly answers?: (answers: readonly string[]) => Verdict;
  /** Methods that are offered at first. */
  readonly methods: readonly string[];
}

/**
 * An SSH server in this process, for the ways to log in that a real sshd offers only for users of the system with
 * their system's passwords. Commands are run by /bin/sh.
 */
export async function sshServer(options: SshServerOptions): Promise<SshServerDouble> {
  // Not by ssh2's own generator: one in some two hundred of its Ed25519 keys cannot be read by ssh2.
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const attempts: Attempt[] = [];
  const clients = new Set<{ end(): unknown }>();
  const server = new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
    clients.add(client);
    client.on('error', () => undefined);
    client.on('close', () => clients.delete(client));
    client.on('authentication', (context: AuthContext) => {
      const give = (verdict: Verdict): void => {
        if (verdict === true) context.accept();
        else if ('partial' in verdict) context.reject(verdict.partial as never, true);
        else context.reject(verdict as never);
      };
      if (context.method === 'password') {
        attempts.push({ method: 'password', password: context.password });
        give(options.password?.(context.password) ?? options.methods);
      } else if (context.method === 'keyboard-interactive') {
        context.prompt([...(options.questions ?? [])], (answers) => {
          attempts.push({ method: 'keyboard-interactive', answers });
          give(options.answers?.(answers) ?? options.methods);
        });
      } else {
        attempts.push({ method: context.method });
        give(options.methods);
      }
    });
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        // At once: ssh2's server side closes a channel when the client has nothing more to send.
        const done = spawnSync('/bin/sh', ['-c', command]);
        channel.write(done.stdout);
        channel.stderr.write(done.stderr);
        channel.exit(done.status ?? 1);
        channel.end();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const key = ssh2.utils.parseKey(privateKey);
  if (key instanceof Error) throw key;
  return {
    port: (server.address() as AddressInfo).port,
    hostKey: key.getPublicSSH(),
    attempts,
    close: () => {
      for (const client of clients) client.end();
      server.close();
    },
  };
}
