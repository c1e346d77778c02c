import { readFile } from 'node:fs/promises';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { writeFileAtomic } from '../../store/atomicFile.ts';
import { SshError } from '../boxErrors.ts';
import type { KnownHost } from './knownHosts.ts';
import {
  fingerprint,
  keyTypeOf,
  knownHostLine,
  knownHostName,
  knownKeyTypes,
  parseKnownHosts,
  stateOfKey,
} from './knownHosts.ts';
import type { AcceptHostKey } from './ports.ts';
import type { SshHost } from './sshHost.ts';

const step = 'host key check';
/** SHA-1 signatures and DSA are left out, as OpenSSH does it. */
const algorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/**
 * Decides whether a host is the one it says it is, before anything is proved to it. The user's known_hosts files are
 * read and never written; keys that the user accepts are kept in a file of our own, in the same format.
 */
export class HostKeys {
  readonly #store: string;
  readonly #accept: AcceptHostKey;

  constructor(storeFile: string, accept: AcceptHostKey) {
    this.#store = storeFile;
    this.#accept = accept;
  }

  /** What is known at the beginning of a connection. */
  async of(host: SshHost): Promise<HostKeyCheck> {
    const entries = await this.#known(host);
    const name = knownHostName(host);
    if (!/^[^\s,*?!|@#]+$/.test(name))
      throw new SshError('config', host.alias, step, `no key can be kept under the name "${name}". Mend HostName.`);
    const known = knownKeyTypes(entries, name);
    const isKnown = (algorithm: string): boolean =>
      known.includes(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm);
    return {
      // Known types first: a server then shows the key that can be compared.
      algorithms: [...algorithms.filter(isKnown), ...algorithms.filter((algorithm) => !isKnown(algorithm))],
      check: (key, signal) => this.#check(host, name, entries, key, signal),
    };
  }

  /** A file that is there and cannot be read is an error: what it says about a changed key must not go unheard. */
  async #known(host: SshHost): Promise<KnownHost[]> {
    const files = [...host.knownHostsFiles, this.#store];
    try {
      return (await Promise.all(files.map(readText))).flatMap(parseKnownHosts);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new SshError(
        'config',
        host.alias,
        step,
        `a file of known keys cannot be read: ${what}. Mend its permissions.`,
        {
          cause: error,
        },
      );
    }
  }

  async #check(
    host: SshHost,
    name: string,
    entries: readonly KnownHost[],
    key: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const shown = `${keyTypeOf(key)} ${fingerprint(key)}`;
    const state = stateOfKey(entries, name, key);
    if (state === 'known') return;
    if (state === 'revoked')
      throw new SshError(
        'revoked-host-key',
        host.alias,
        step,
        `the host shows the key ${shown}, which is marked as revoked. Do not connect; ask the host's administrator.`,
      );
    if (state === 'changed')
      throw new SshError(
        'changed-host-key',
        host.alias,
        step,
        `the host shows the key ${shown}, but another one is known of ${name}. Somebody may be listening in, or the host was set up anew. Ask its administrator for the fingerprint; if it is right, remove the old key (ssh-keygen -R "${name}"; with -f "${this.#store}" where we keep it) and try again.`,
      );
    const question = {
      host: host.alias,
      name,
      address: host.hostname,
      port: host.port,
      keyType: keyTypeOf(key),
      fingerprint: fingerprint(key),
    };
    if (host.strict || !(await this.#accept(question, signal)))
      throw new SshError(
        'unknown-host-key',
        host.alias,
        step,
        `the key ${shown} of ${name} is not known${host.strict ? ' and StrictHostKeyChecking is yes' : ' and was not accepted'}. Compare the fingerprint with the host's administrator, then accept it, or connect once with ssh.`,
      );
    await this.#keep(name, key);
  }

  async #keep(name: string, key: Uint8Array): Promise<void> {
    // Read again: another process may have added to it while the user was asked.
    writeFileAtomic(this.#store, (await readText(this.#store)) + knownHostLine(name, key));
  }
}

export interface HostKeyCheck {
  readonly algorithms: ServerHostKeyAlgorithm[];
  /** @throws SshError 'unknown-host-key', 'changed-host-key', 'revoked-host-key' */
  check(key: Uint8Array, signal: AbortSignal): Promise<void>;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return '';
    throw error;
  }
}
