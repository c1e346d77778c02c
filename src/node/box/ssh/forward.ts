import type { Duplex } from 'node:stream';
import { SshError, unreachable } from '../boxErrors.ts';
import type { SshConnection } from './connection.ts';

/** Where a server listens, as the host of the connection reaches it. */
export interface Address {
  /** The host's own loopback when left out. */
  readonly host?: string;
  readonly port: number;
}

export const loopback = '127.0.0.1';
const step = 'port forwarding';
/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED of RFC 4254, section 5.1. */
const prohibited = 1;

/**
 * A stream to a port of the host, or of a machine that it reaches, over the shared connection; it ends with it.
 * @throws SshError when the host forbids it; JobError 'unreachable' when there is no connection, or nobody listens there
 */
export function connectToPort(connection: SshConnection, to: Address, signal?: AbortSignal): Promise<Duplex> {
  const { host } = connection;
  const { host: target = loopback, port } = to;
  return connection.use(
    (live) =>
      new Promise<Duplex>((resolve, reject) => {
        live.client.forwardOut(loopback, 0, target, port, (error, channel) => {
          if (error === undefined) {
            const end = (): void => void channel.destroy();
            live.lost.addEventListener('abort', end, { once: true });
            channel.once('close', () => live.lost.removeEventListener('abort', end));
            // Given up while it was being opened.
            if (signal?.aborted === true) channel.destroy();
            resolve(channel);
          } else if ('reason' in error && error.reason === prohibited)
            reject(
              new SshError(
                'protocol',
                host,
                step,
                `the host forbids it (${error.message}). Have "AllowTcpForwarding yes" in its sshd_config, or "permitopen" for the port in authorized_keys.`,
                { cause: error },
              ),
            );
          else
            reject(
              unreachable(
                host,
                step,
                `${target === loopback ? '' : `${target} `}port ${port} does not answer (${error.message}).`,
                error,
              ),
            );
        });
      }),
    { signal, again: true },
  );
}
