import type { Duplex } from 'node:stream';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from '../boxErrors.ts';

export interface PortForwardOptions {
  /** Opens a stream to the port on the box. @throws JobError 'unreachable' for what may pass by itself */
  readonly connect: (signal: AbortSignal) => Promise<Duplex>;
  /** How long a client's connection is held while the box cannot be reached. */
  readonly patienceMs?: number;
  readonly retryMs?: number;
  /** What is wrong with the way to the box, once for each connection that fails by it. */
  readonly onProblem?: (error: Error) => void;
}

/**
 * A port of this machine's loopback that leads to one on the box. It stays the same when the connection to the box is
 * lost and made anew: what was under way then is cut, and what comes meanwhile waits.
 */
export class PortForward {
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets: Set<Socket>;
  readonly #closing: AbortController;

  private constructor(server: ReturnType<typeof createServer>, sockets: Set<Socket>, closing: AbortController) {
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
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return new PortForward(server, sockets, closing);
  }

  close(): void {
    this.#closing.abort();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
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
