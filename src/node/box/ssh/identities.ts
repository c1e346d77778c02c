import { existsSync } from 'node:fs';
import type { IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from 'ssh2';
import ssh2 from 'ssh2';
import type { KeyFile } from './keyFile.ts';
import { liesOpen, readKeyFile, unlock } from './keyFile.ts';
import type { SecretRequest, SecretStore } from './ports.ts';
import type { SshHost } from './sshHost.ts';

/** How often a passphrase may be wrong. */
const attempts = 3;

/** Where ssh looks by itself: that nothing is there is no mistake. */
const looked = /[\\/]\.ssh[\\/]id_[a-z0-9_]+$/;

export interface IdentityPorts {
  readonly secrets: SecretStore;
  /** Asks the user, with the clock standing still. */
  readonly ask: (request: SecretRequest) => Promise<string | undefined>;
  /** What went wrong with a key or an agent, for the message at the end. */
  readonly note: (problem: string) => void;
}

interface Identity {
  readonly publicKey: ParsedKey;
  /** undefined: the agent signs. */
  readonly file?: KeyFile;
}

/**
 * The agent's keys and the key files as one agent. ssh2 asks an agent for a signature only when the server has said
 * that it takes the key, so that a passphrase is asked for only when it will be of use.
 */
export class Identities extends ssh2.BaseAgent<ParsedKey> {
  readonly #host: SshHost;
  readonly #ports: IdentityPorts;
  readonly #agent: ssh2.BaseAgent<ParsedKey> | undefined;
  #identities: readonly Identity[] = [];

  constructor(host: SshHost, ports: IdentityPorts) {
    super();
    this.#host = host;
    this.#ports = ports;
    this.#agent = host.agent === undefined ? undefined : (ssh2.createAgent(host.agent) as ssh2.BaseAgent<ParsedKey>);
  }

  override getIdentities(done: IdentityCallback<ParsedKey>): void {
    this.#collect().then(
      (identities) => {
        this.#identities = identities;
        done(
          null,
          identities.map(({ publicKey }) => publicKey),
        );
      },
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  }

  override sign(
    publicKey: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    const request = typeof options === 'function' ? {} : options;
    const identity = this.#identities.find((one) => sameKey(one.publicKey, publicKey));
    if (identity?.file === undefined) {
      this.#agent?.sign(publicKey, data, request, (error, signature) => {
        if (error !== undefined && error !== null) this.#ports.note(`the agent would not sign (${error.message})`);
        done?.(error, signature);
      });
      return;
    }
    this.#unlock(identity.file).then(
      (key) => {
        const signature: unknown = key?.sign(data, request.hash);
        if (Buffer.isBuffer(signature)) done?.(null, signature);
        else done?.(new Error('no private key'));
      },
      (error: unknown) => done?.(error instanceof Error ? error : new Error(String(error))),
    );
  }

  /** In ssh's order: named keys that the agent holds, its other keys, named keys in files. */
  async #collect(): Promise<readonly Identity[]> {
    const files = (await Promise.all(this.#host.identityFiles.map((path) => this.#read(path)))).filter(
      (file) => file !== undefined,
    );
    const held = await this.#agentKeys();
    const named = held.filter((key) => files.some((file) => sameKey(file.publicKey, key)));
    const others = this.#host.identitiesOnly ? [] : held.filter((key) => !named.includes(key));
    const found: Identity[] = [...named, ...others].map((publicKey) => ({ publicKey }));
    for (const file of files) {
      if (file.text === undefined) continue;
      const publicKey = file.publicKey ?? (await this.#unlock(file));
      if (publicKey !== undefined && !found.some((one) => sameKey(one.publicKey, publicKey)))
        found.push({ publicKey, file });
    }
    return found;
  }

  async #read(path: string): Promise<KeyFile | undefined> {
    try {
      const file = await readKeyFile(path);
      if (file === undefined && existsSync(path)) this.#ports.note(`${path} holds no key that can be used`);
      else if (file === undefined && !looked.test(path)) this.#ports.note(`IdentityFile ${path} is not there`);
      if (file?.text === undefined || !(await liesOpen(path))) return file;
      this.#ports.note(`other users of this machine may read ${path}, so it is not used: run chmod 600 "${path}"`);
      const { text: _text, ...publicHalf } = file;
      return { ...publicHalf, encrypted: false };
    } catch (error) {
      this.#ports.note(`${path} cannot be read (${error instanceof Error ? error.message : String(error)})`);
      return undefined;
    }
  }

  #agentKeys(): Promise<readonly ParsedKey[]> {
    const agent = this.#agent;
    if (agent === undefined) return Promise.resolve([]);
    return new Promise((resolve) => {
      agent.getIdentities((error, keys) => {
        if (error !== undefined && error !== null) {
          this.#ports.note('the agent does not answer');
          resolve([]);
        } else resolve((keys ?? []).filter((key): key is ParsedKey => typeof key === 'object' && 'type' in key));
      });
    });
  }

  /** undefined when no passphrase that is given fits. */
  async #unlock(file: KeyFile): Promise<ParsedKey | undefined> {
    if (!file.encrypted) return unlock(file);
    const { secrets, ask, note } = this.#ports;
    const name = `passphrase ${file.path}`;
    const kept = await secrets.get(name);
    if (kept !== undefined) {
      const key = unlock(file, kept);
      if (key !== undefined) return key;
      await secrets.delete(name);
    }
    const { alias: host, user } = this.#host;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const prompt = `Passphrase of the key ${file.path}`;
      const given = await ask({ kind: 'passphrase', host, user, prompt, file: file.path, echo: false, attempt });
      if (given === undefined) break;
      const key = unlock(file, given);
      if (key === undefined) continue;
      await secrets.set(name, given);
      return key;
    }
    note(`${file.path} could not be opened: the passphrase is wrong or was not given`);
    return undefined;
  }
}

function sameKey(a: ParsedKey | undefined, b: ParsedKey): boolean {
  return a?.getPublicSSH().equals(b.getPublicSSH()) === true;
}
