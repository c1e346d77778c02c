import type { Duplex } from 'node:stream';
import { SshError, unreachable } from '../boxErrors.ts';
import type { SshConnection } from './connection.ts';

const step = 'port forwarding';
/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED of RFC 4254, section 5.1. */
const prohibited = 1;

/**
 * A stream to a port of the host's loopback, over the shared connection; it ends with it.
 * @throws SshError when the host forbids it; JobError 'unreachable' when there is no connection, or nobody listens there
 */
export function connectToPort(connection: SshConnection, port: number, signal?: AbortSignal): Promise<Duplex> {
  const { host } = connection;
  return connection.use(
    (live) =>
      new Promise<Duplex>((resolve, reject) => {
        live.client.forwardOut('127.0.0.1', 0, '127.0.0.1', port, (error, channel) => {
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
          else reject(unreachable(host, step, `port ${port} does not answer (${error.message}).`, error));
        });
      }),
    { signal, again: true },
  );
}
