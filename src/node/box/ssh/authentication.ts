import type { AnyAuthMethod, AuthenticationType, Prompt } from 'ssh2';
import { SshError } from '../boxErrors.ts';
import type { Patience } from './abortable.ts';
import { Identities } from './identities.ts';
import type { SecretRequest, SshPorts } from './ports.ts';
import type { SshHost } from './sshHost.ts';

/** How often a password may be wrong, and how many rounds of questions a host may need. */
const attempts = 3;

/** One login: what is tried, in order, and what to say when nothing helped. */
export class Authentication {
  readonly #host: SshHost;
  readonly #ports: SshPorts;
  readonly #patience: Patience;
  readonly #signal: AbortSignal;
  readonly #steps: AsyncGenerator<AnyAuthMethod, void, Offer>;
  readonly #tried: string[] = [];
  readonly #notes: string[] = [];
  #started = false;
  #offered: readonly string[] = [];
  /** Kept once it has let us in. */
  #password: string | undefined;

  constructor(host: SshHost, ports: SshPorts, patience: Patience, signal: AbortSignal) {
    this.#host = host;
    this.#ports = ports;
    this.#patience = patience;
    this.#signal = signal;
    this.#steps = this.#sequence();
  }

  /** What to try next; undefined when there is nothing left. `left` is null before the host has said what it takes. */
  async next(left: readonly AuthenticationType[] | null, partialSuccess: boolean): Promise<AnyAuthMethod | undefined> {
    if (left === null && !this.#started) {
      this.#started = true;
      return { type: 'none', username: this.#host.user };
    }
    this.#offered = left ?? this.#offered;
    const step = await this.#steps.next({ partialSuccess });
    return step.done === true ? undefined : step.value;
  }

  async succeeded(): Promise<void> {
    if (this.#password !== undefined) await this.#ports.secrets.set(this.#passwordName, this.#password);
  }

  failure(cause?: unknown): SshError {
    const tried = this.#tried.length === 0 ? 'nothing could be tried' : `tried ${this.#tried.join(', ')}`;
    const notes = this.#notes.length === 0 ? '' : ` (${this.#notes.join('; ')})`;
    return new SshError(
      'authentication',
      this.#host.alias,
      'authentication',
      `the host lets ${this.#host.user} in by ${this.#offered.join(', ') || 'no method'}; ${tried}${notes}. Add a key to your agent or to IdentityFile and to the host's authorized_keys, check the user name, or use the transport "system-ssh" for certificates, security keys and Kerberos.`,
      cause === undefined ? {} : { cause },
    );
  }

  async *#sequence(): AsyncGenerator<AnyAuthMethod, void, Offer> {
    const username = this.#host.user;
    if (this.#takes('publickey')) {
      this.#tried.push('agent and keys');
      yield {
        type: 'agent',
        username,
        agent: new Identities(this.#host, {
          secrets: this.#ports.secrets,
          ask: (request) => this.#ask(request),
          note: (problem) => this.#notes.push(problem),
        }),
      };
    }
    if (this.#takes('password')) yield* this.#passwords();
    for (let attempt = 1; attempt <= attempts && this.#takes('keyboard-interactive'); attempt++) {
      let unanswered = false;
      if (attempt === 1) this.#tried.push('keyboard-interactive');
      yield {
        type: 'keyboard-interactive',
        username,
        prompt: (name, instructions, _language, prompts, finish) => {
          void this.#answer(name, instructions, prompts, attempt).then((answers) => {
            unanswered ||= answers === undefined;
            finish(answers ?? prompts.map(() => ''));
          });
        },
      };
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set by the prompt, while we were away
      if (unanswered) break;
    }
  }

  async *#passwords(): AsyncGenerator<AnyAuthMethod, void, Offer> {
    const { secrets } = this.#ports;
    const { alias: host, user } = this.#host;
    const kept = await secrets.get(this.#passwordName);
    for (let attempt = kept === undefined ? 1 : 0; attempt <= attempts && this.#takes('password'); attempt++) {
      const prompt = `Password of ${user} at ${host}`;
      const password =
        attempt === 0 ? kept : await this.#ask({ kind: 'password', host, user, prompt, echo: false, attempt });
      if (password === undefined) {
        this.#notes.push('no password was given');
        return;
      }
      if (attempt <= 1 && !this.#tried.includes('password')) this.#tried.push('password');
      this.#password = password;
      const { partialSuccess } = yield { type: 'password', username: user, password };
      if (partialSuccess) return;
      this.#password = undefined;
      if (attempt === 0) await secrets.delete(this.#passwordName);
    }
  }

  /** undefined when one of the questions is not answered. */
  async #answer(
    name: string,
    instructions: string,
    prompts: readonly Prompt[],
    attempt: number,
  ): Promise<string[] | undefined> {
    const answers: string[] = [];
    for (const { prompt, echo } of prompts) {
      const words = [name, instructions, prompt].filter((text) => text.trim() !== '').join('\n');
      const { alias: host, user } = this.#host;
      const given = await this.#ask({
        kind: 'keyboard-interactive',
        host,
        user,
        prompt: words,
        echo: echo === true,
        attempt,
      }).catch(() => undefined);
      if (given === undefined) return undefined;
      answers.push(given);
    }
    return answers;
  }

  #ask(request: SecretRequest): Promise<string | undefined> {
    return this.#patience.whileAsking(() => this.#ports.askSecret(request, this.#signal));
  }

  #takes(method: string): boolean {
    return this.#offered.includes(method);
  }

  get #passwordName(): string {
    const { user, hostname, port } = this.#host;
    return `password ${user}@${hostname}:${port}`;
  }
}

interface Offer {
  readonly partialSuccess: boolean;
}
