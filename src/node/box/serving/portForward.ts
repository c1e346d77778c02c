import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from '../boxErrors.ts';

export interface PortForwardOptions {
  /** Opens a stream to the port on the box. @throws JobError 'unreachable' for what may pass by itself */
  readonly connect: (signal: AbortSignal) => Promise<Duplex>;
  /** How long a client's connection is held while the box cannot be reached. */
  readonly patienceMs?: number;
  readonly retryMs?: number;
  /** Ports of this machine to take, the first that is free; any when none is. */
  readonly ports?: readonly number[];
  /** What is wrong with the way to the box, once for each connection that fails by it. */
  readonly onProblem?: (error: Error) => void;
}

/**
 * A port of this machine's loopback that leads to one on the box. It stays the same when the connection to the box is
 * lost and made anew: what was under way then is cut, and what comes meanwhile waits.
 */
export class PortForward {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #closing: AbortController;

  private constructor(server: Server, sockets: Set<Socket>, closing: AbortController) {
    this.#server = server;
    this.#sockets = sockets;
    this.#closing = closing;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(options: PortForwardOptions): Promise<PortForward> {
    const sockets = new Set<Socket>();
    const closing = new AbortController();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      join(socket, options, closing.signal).catch((error: unknown) => {
        socket.destroy();
        if (!closing.signal.aborted) options.onProblem?.(error instanceof Error ? error : new Error(String(error)));
      });
    });
    for (const port of [...(options.ports ?? []), 0]) if (await listens(server, port)) break;
    return new PortForward(server, sockets, closing);
  }

  close(): void {
    this.#closing.abort();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/**
 * The ports that a server asks for under a name: the same at every start, so that an address that was put into settings
 * goes on to hold. Below those that systems hand out by themselves.
 */
export function portsFor(name: string): readonly number[] {
  const hash = createHash('sha256').update(name).digest();
  return [0, 4, 8].map((at) => 20_000 + (hash.readUInt32BE(at) % 10_000));
}

/** False when another program has the port, or the system keeps it. @throws for what the next port would not mend */
function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => {
      server.off('listening', listening);
      if (port !== 0 && (error.code === 'EADDRINUSE' || error.code === 'EACCES')) resolve(false);
      else reject(error);
    };
    const listening = (): void => {
      server.off('error', refused);
      resolve(true);
    };
    server.once('error', refused).once('listening', listening).listen(port, '127.0.0.1');
  });
}

async function join(socket: Socket, options: PortForwardOptions, closing: AbortSignal): Promise<void> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  socket.once('close', leave);
  const stream = await reach(options, AbortSignal.any([closing, left.signal]));
  if (stream === undefined) return;
  // A cut of either end ends both: half a request or half an answer is of no use to anybody.
  const end = (): void => {
    socket.destroy();
    stream.destroy();
  };
  stream.on('error', end).on('close', end);
  socket.on('close', end);
  if (socket.destroyed) end();
  else socket.pipe(stream).pipe(socket);
}

/** undefined when the client did not want to wait. */
async function reach(options: PortForwardOptions, signal: AbortSignal): Promise<Duplex | undefined> {
  const { patienceMs = 120_000, retryMs = 250 } = options;
  const until = performance.now() + patienceMs;
  for (let wait = retryMs; ; wait = Math.min(wait * 2, 5000)) {
    try {
      return await options.connect(signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!JobError.is(error, 'unreachable') || performance.now() + wait > until) throw error;
    }
    try {
      await sleep(wait, undefined, { signal });
    } catch {
      return undefined;
    }
  }
}
