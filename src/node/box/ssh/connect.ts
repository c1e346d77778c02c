import type { Socket } from 'node:net';
import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import ssh2 from 'ssh2';
import { JobError, SshError, unreachable } from '../boxErrors.ts';
import { abortable, Patience } from './abortable.ts';
import { Authentication } from './authentication.ts';
import type { HostKeys } from './hostKeys.ts';
import type { SshPorts } from './ports.ts';
import type { SshHost } from './sshHost.ts';

export interface ConnectOptions {
  readonly ports: SshPorts;
  readonly hostKeys: HostKeys;
  readonly signal: AbortSignal;
  readonly keepaliveMs: number;
  readonly keepaliveCount: number;
}

/** Reasons of a disconnect that the same try would meet again (RFC 4253, section 11.1). */
const lasting = new Set<unknown>([1, 2, 3, 5, 7, 8, 9]);

/** No such name, and nothing at that port. A name that cannot be asked for just now (EAI_AGAIN) may be known soon. */
const nobodyThere = new Set<unknown>(['ENOTFOUND', 'ECONNREFUSED']);
/** Prohibited, and nobody there (RFC 4254, section 5.1). */
const notForwarded = new Set<unknown>([1, 2]);

/** Connected and logged in over every host of a route; `clients` in its order. */
export interface OpenRoute {
  readonly target: Client;
  readonly close: () => void;
  /** Called once when any host of the route is gone, with what is known of why. */
  readonly onLost: (listener: (why: string) => void) => void;
}

/**
 * Connects through every host of the route; each is verified and logged in to under its own name, and carries the
 * connection to the next.
 * @throws SshError; JobError 'unreachable'
 */
export async function openRoute(route: readonly SshHost[], options: ConnectOptions): Promise<OpenRoute> {
  const clients: Client[] = [];
  let lost: string | undefined;
  let tell: ((why: string) => void) | undefined;
  const lose = (why: string): void => {
    if (lost !== undefined) return;
    lost = why;
    for (const client of clients.toReversed()) client.destroy();
    tell?.(why);
  };
  try {
    for (const host of route) {
      const through = clients.at(-1);
      const stream = through === undefined ? await openSocket(host, options) : await forward(through, host, options);
      const client = new ssh2.Client();
      clients.push(client);
      client
        .on('close', () => lose('the connection was closed'))
        .on('end', () => lose('the host ended the connection'));
      await logIn(client, host, stream, options);
      client.on('error', (error) => lose(error.message));
      if (lost !== undefined) throw unreachable(host.alias, 'connection', `${lost}.`);
    }
  } catch (error) {
    for (const client of clients.toReversed()) client.destroy();
    throw onTheWay(error, route);
  }
  const target = clients.at(-1);
  if (target === undefined) throw new RangeError('a route has at least one host');
  return {
    target,
    close: () => lose('closed'),
    onLost: (listener) => {
      tell = listener;
      if (lost !== undefined) listener(lost);
    },
  };
}

/** Whoever asked for the last host of a route hears why it matters that another does not answer. */
function onTheWay(error: unknown, route: readonly SshHost[]): unknown {
  const asked = route.at(-1)?.alias ?? '';
  if (!JobError.is(error, 'unreachable') || error.message.startsWith(`${asked} (`)) return error;
  const { message, lasting } = error;
  return new JobError('unreachable', `${message} It is on the way to ${asked}.`, { cause: error.cause, lasting });
}

async function openSocket(host: SshHost, { signal }: ConnectOptions): Promise<Socket> {
  const step = `connecting to ${host.hostname} port ${host.port}`;
  if (host.proxyCommand !== undefined)
    throw new SshError(
      'unsupported',
      host.alias,
      'ssh configuration',
      'the host is reached by a ProxyCommand. Use ProxyJump instead, or the transport "system-ssh".',
    );
  const socket = connectSocket({ host: host.hostname, port: host.port, noDelay: true });
  const late = AbortSignal.timeout(host.connectTimeoutMs);
  try {
    await abortable(
      new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve).once('error', reject);
      }),
      signal,
      late,
    );
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    if (signal.aborted) throw error;
    throw unreachable(
      host.alias,
      step,
      `${late.aborted ? `no answer in ${host.connectTimeoutMs / 1000} s` : describe(error)}. Check that the host is up, its name and port, and your network or VPN.`,
      error,
      { lasting: late.aborted || nobodyThere.has(codeOf(error)) },
    );
  }
  // Until ssh2 listens, files are read: a reset meanwhile would end the process. It shows as a destroyed stream then.
  socket.on('error', () => undefined);
  return socket;
}

async function forward(through: Client, host: SshHost, { signal }: ConnectOptions): Promise<Duplex> {
  const step = `connecting to ${host.hostname} port ${host.port} through the host before it`;
  const late = AbortSignal.timeout(host.connectTimeoutMs);
  const opened = new Promise<Duplex>((resolve, reject) => {
    through.forwardOut('127.0.0.1', 0, host.hostname, host.port, (error, channel) => {
      if (error === undefined) resolve(channel);
      else reject(error);
    });
  });
  try {
    return await abortable(opened, signal, late);
  } catch (error) {
    opened.then((channel) => channel.destroy()).catch(() => undefined);
    if (signal.aborted) throw error;
    throw unreachable(
      host.alias,
      step,
      `${late.aborted ? `no answer in ${host.connectTimeoutMs / 1000} s` : describe(error)}. Check the name as the host before it knows it, and that it allows forwarding.`,
      error,
      { lasting: late.aborted || notForwarded.has(error instanceof Error && 'reason' in error ? error.reason : null) },
    );
  }
}

function logIn(client: Client, host: SshHost, stream: Duplex, options: ConnectOptions): Promise<void> {
  const { ports, hostKeys } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const connected = async (): Promise<void> => {
    const check = await hostKeys.of(host);
    await new Promise<void>((resolve, reject) => {
      let phase = 'handshake';
      let verified: Buffer | undefined;
      const fail = (error: unknown): void => {
        patience.end();
        reject(error instanceof Error ? error : new Error(String(error)));
        client.destroy();
        stream.destroy();
      };
      const patience = new Patience(host.connectTimeoutMs, () =>
        fail(
          unreachable(
            host.alias,
            phase,
            `no answer in ${host.connectTimeoutMs / 1000} s. Check that an SSH server listens there.`,
          ),
        ),
      );
      const login = new Authentication(host, ports, patience, signal);
      const broken = (why: string, cause?: unknown): void =>
        fail(unreachable(host.alias, phase, `${why}. Try again; if it stays so, look at the host's own log.`, cause));
      client
        .once('handshake', () => (phase = 'authentication'))
        .once('ready', () => {
          phase = 'in';
          patience.end();
          login.succeeded().then(resolve, reject);
        })
        .on('error', (error: Error & { level?: string; code?: unknown }) => {
          // ssh2 tells of a key that could not sign as an error and goes on with the next.
          if (error.level === 'agent' || (error.level === 'client-authentication' && phase === 'authentication'))
            return;
          if (error.level === 'handshake')
            fail(
              new SshError(
                'protocol',
                host.alias,
                phase,
                `${error.message}. The server is too old or no SSH server; try the transport "system-ssh".`,
                { cause: error },
              ),
            );
          else if (phase === 'authentication' && typeof error.code === 'number') fail(login.failure(error));
          else if (lasting.has(error.code))
            fail(
              new SshError(
                'protocol',
                host.alias,
                phase,
                `the host refused (${describe(error)}). Look at its own log; try the transport "system-ssh".`,
                { cause: error },
              ),
            );
          else broken(describe(error), error);
        })
        .on('end', () => broken('the host ended the connection'))
        .on('close', () => broken('the connection was closed'));
      // ssh2 does not hear of an end that came before it listened.
      if (stream.destroyed || stream.readableEnded) broken('the host ended the connection');
      stream.once('close', () => {
        if (phase !== 'in') broken('the host ended the connection');
      });
      client.connect({
        sock: stream,
        username: host.user,
        readyTimeout: 0,
        keepaliveInterval: options.keepaliveMs,
        keepaliveCountMax: options.keepaliveCount,
        algorithms: { serverHostKey: check.algorithms },
        hostVerifier: (key: Buffer, verify: (ok: boolean) => void) => {
          // Asked again when keys are exchanged anew, an hour or a gigabyte later.
          if (verified !== undefined) {
            verify(verified.equals(key));
            return;
          }
          patience
            .whileAsking(() => check.check(key, signal))
            .then(() => {
              verified = Buffer.from(key);
              verify(true);
            }, fail);
        },
        authHandler: (left, partialSuccess, next) => {
          login.next(left as Parameters<typeof login.next>[0], partialSuccess).then((method) => {
            if (method === undefined) fail(login.failure());
            else next(method);
          }, fail);
        },
      });
    });
  };
  return abortable(connected(), options.signal).catch((error: unknown) => {
    stop.abort();
    client.on('error', () => undefined);
    client.destroy();
    stream.destroy();
    throw error;
  });
}

function describe(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'the connection was refused';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the name cannot be resolved';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'there is no route to the host';
  if (code === 'ETIMEDOUT') return 'no answer';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'the connection was cut';
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
