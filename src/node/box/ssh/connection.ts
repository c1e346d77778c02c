import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Client, SFTPWrapper } from 'ssh2';
import { JobError, SshError, unreachable } from '../boxErrors.ts';
import { abortable } from './abortable.ts';
import type { OpenRoute } from './connect.ts';
import { openRoute } from './connect.ts';
import type { HostKeys } from './hostKeys.ts';
import type { SshPorts } from './ports.ts';
import type { SshHost } from './sshHost.ts';

export interface SshConnectionOptions {
  /** How the user calls the host. */
  readonly alias: string;
  readonly route: (signal: AbortSignal) => Promise<readonly SshHost[]>;
  readonly ports: SshPorts;
  readonly hostKeys: HostKeys;
  /** How long the host may be silent before it is asked for a sign of life. */
  readonly keepaliveMs?: number;
  /** How many such signs may be missing: the other end of a cut cable never says that it is gone. */
  readonly keepaliveCount?: number;
  /** Channels for commands; SFTP has one of its own. Hosts allow 10 as a rule. */
  readonly channels?: number;
  /** How often a connection that cannot be made is tried before the caller hears of it. */
  readonly attempts?: number;
  /** Wait before the second try; doubles with each. */
  readonly retryMs?: number;
}

/** A connection while it lasts. */
export interface LiveConnection {
  readonly client: Client;
  /** Aborted with JobError 'unreachable' when the connection is gone. */
  readonly lost: AbortSignal;
  sftp(): Promise<SFTPWrapper>;
  /** Gives it up: the next use makes a new one. */
  drop(why: string): void;
}

const longestWaitMs = 60_000;

/**
 * The one connection to a host that everything shares: made when it is first needed, and anew after it was lost. While
 * a host does not answer, it is not asked more often than a doubling time allows; callers then get the same
 * JobError 'unreachable' at once.
 */
export class SshConnection {
  readonly host: string;
  readonly #options: SshConnectionOptions;
  readonly #limit: ReturnType<typeof pLimit>;
  #live: Promise<LiveConnection> | undefined;
  #waiting = 0;
  #giveUp = new AbortController();
  #connecting = false;
  /** The host has answered once: its name and port are right. */
  #met = false;
  #failures = 0;
  #notBefore = -Infinity;
  #lastFailure: JobError | undefined;
  #closed = false;

  constructor(options: SshConnectionOptions) {
    this.host = options.alias;
    this.#options = options;
    this.#limit = pLimit(options.channels ?? 3);
  }

  /**
   * Does `work` with the connection. It is cut short with JobError 'unreachable' when the connection is lost; work
   * that may safely be done twice says so with `again` and is then done once more.
   */
  async use<T>(
    work: (live: LiveConnection) => Promise<T>,
    options: { readonly signal?: AbortSignal | undefined; readonly again?: boolean } = {},
  ): Promise<T> {
    const { signal } = options;
    for (let again = options.again === true; ; again = false) {
      signal?.throwIfAborted();
      const live = await this.#connected(signal);
      try {
        return await abortable(work(live), signal, live.lost);
      } catch (error) {
        if (!again || !live.lost.aborted || signal?.aborted === true) throw error;
      }
    }
  }

  /** As `use`, for work that takes a channel of its own: no more than a few at once. */
  useChannel<T>(work: (live: LiveConnection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return abortable(
      this.#limit(() => this.use(work, { signal })),
      signal,
    );
  }

  close(): void {
    this.#closed = true;
    this.#giveUp.abort(unreachable(this.host, 'connection', 'it was closed.'));
    void this.#live?.then(
      (live) => live.drop('it was closed'),
      () => undefined,
    );
  }

  async #connected(signal: AbortSignal | undefined): Promise<LiveConnection> {
    if (this.#closed) throw unreachable(this.host, 'connection', 'it was closed.');
    if (this.#live === undefined) {
      if (this.#lastFailure !== undefined && performance.now() < this.#notBefore) throw this.#lastFailure;
      this.#giveUp = new AbortController();
      const made = this.#make(this.#giveUp.signal);
      this.#live = made;
      this.#connecting = true;
      made.then(
        () => {
          if (this.#live === made) this.#connecting = false;
        },
        () => {
          if (this.#live !== made) return;
          this.#connecting = false;
          this.#live = undefined;
        },
      );
    }
    this.#waiting++;
    try {
      return await abortable(this.#live, signal);
    } finally {
      // Nobody wants it any more: the user is not asked for passphrases of something that was cancelled.
      if (--this.#waiting === 0 && this.#connecting) {
        this.#giveUp.abort();
        this.#connecting = false;
        this.#live = undefined;
      }
    }
  }

  async #make(signal: AbortSignal): Promise<LiveConnection> {
    const { attempts = 3, retryMs = 500 } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const route = await openRoute(await this.#options.route(signal), {
          ports: this.#options.ports,
          hostKeys: this.#options.hostKeys,
          signal,
          keepaliveMs: this.#options.keepaliveMs ?? 15_000,
          keepaliveCount: this.#options.keepaliveCount ?? 3,
        });
        if (signal.aborted) {
          route.close();
          signal.throwIfAborted();
        }
        this.#met = true;
        this.#failures = 0;
        this.#lastFailure = undefined;
        return this.#watch(route);
      } catch (failure) {
        if (!JobError.is(failure, 'unreachable') || signal.aborted) throw failure;
        const error = this.#met ? new JobError('unreachable', failure.message, { cause: failure }) : failure;
        // After a series of failures one try is enough: whoever polls comes again.
        if (attempt >= attempts || this.#failures > 0 || error.lasting) {
          this.#lastFailure = error;
          this.#notBefore = performance.now() + jittered(Math.min(retryMs * 2 ** this.#failures++, longestWaitMs));
          throw error;
        }
        await sleep(jittered(retryMs * 2 ** (attempt - 1)), undefined, { signal });
      }
    }
  }

  #watch(route: OpenRoute): LiveConnection {
    const lost = new AbortController();
    let sftp: Promise<SFTPWrapper> | undefined;
    const live: LiveConnection = {
      client: route.target,
      lost: lost.signal,
      sftp: () => (sftp ??= openSftp(this.host, route.target, lost.signal)),
      drop: (why) => {
        end(why);
        route.close();
      },
    };
    const made = this.#live;
    const end = (why: string): void => {
      if (lost.signal.aborted) return;
      if (this.#live === made) this.#live = undefined;
      lost.abort(
        unreachable(
          this.host,
          'connection',
          `it was lost: ${why.replace(/\.$/, '')}. It is made anew when it is next needed.`,
        ),
      );
    };
    route.onLost(end);
    return live;
  }
}

function openSftp(host: string, client: Client, lost: AbortSignal): Promise<SFTPWrapper> {
  return abortable(
    new Promise<SFTPWrapper>((resolve, reject) => {
      client.sftp((error, sftp) => {
        if (error === undefined) {
          sftp.on('error', () => undefined);
          resolve(sftp);
        } else
          reject(new SshError('protocol', host, 'file transfer', whyNoSftp(host, error.message), { cause: error }));
      });
    }),
    lost,
  );
}

/** Text where the first packet's length should be was printed by rc files: sshd starts SFTP by the login shell. */
function whyNoSftp(host: string, said: string): string {
  const length = Number(/^Packet length (\d+) exceeds/.exec(said)?.[1] ?? 0);
  if (length <= 0xffffffff && length > 0x08000000) {
    const text = Array.from({ length: 4 }, (_, at) => String.fromCharCode((length >>> (24 - 8 * at)) & 0xff)).join('');
    return `rc files of the login shell there print text into it, which begins with ${JSON.stringify(text)} (see "ssh ${host} true"). Have them print in interactive shells only, or add the box with --transport system-ssh.`;
  }
  return `the host does not open SFTP (${said}). Have "Subsystem sftp" enabled in its sshd_config, or allow more than one session (MaxSessions).`;
}

/** Between half and all of it, so that clients that lost the same host do not come back together. */
function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}
