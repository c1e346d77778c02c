/** What a connection asks of whoever uses it: an editor, a command line, a test. */
export interface SshPorts {
  readonly askSecret: AskSecret;
  readonly acceptHostKey: AcceptHostKey;
  readonly secrets: SecretStore;
}

export interface SecretRequest {
  readonly kind: 'passphrase' | 'password' | 'keyboard-interactive';
  /** The alias that the user knows the host by. */
  readonly host: string;
  readonly user: string;
  /** What to ask, in words; a keyboard-interactive prompt is the host's own text. */
  readonly prompt: string;
  /** The key file of a passphrase. */
  readonly file?: string;
  /** Whether what is typed may be seen. */
  readonly echo: boolean;
  /** 1 for the first time; above, the answer before was wrong. */
  readonly attempt: number;
}

/** undefined: no answer; the next way to log in is tried. */
export type AskSecret = (request: SecretRequest, signal: AbortSignal) => Promise<string | undefined>;

export interface HostKeyQuestion {
  /** The alias that the user knows the host by. */
  readonly host: string;
  /** The name that the key would be kept under: `host`, or `[host]:port`. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** `ssh-ed25519`, … */
  readonly keyType: string;
  /** `SHA256:…`, as ssh-keygen -l prints it. */
  readonly fingerprint: string;
}

/** true: the key is this host's. It is then kept and not asked for again. */
export type AcceptHostKey = (question: HostKeyQuestion, signal: AbortSignal) => Promise<boolean>;

/** Where passphrases and passwords are kept: the editor's secret storage, or the memory of a process. */
export interface SecretStore {
  get(name: string): Promise<string | undefined>;
  set(name: string, secret: string): Promise<void>;
  delete(name: string): Promise<void>;
}

export function memorySecrets(): SecretStore {
  const kept = new Map<string, string>();
  return {
    get: (name) => Promise.resolve(kept.get(name)),
    set: (name, secret) => {
      kept.set(name, secret);
      return Promise.resolve();
    },
    delete: (name) => {
      kept.delete(name);
      return Promise.resolve();
    },
  };
}
