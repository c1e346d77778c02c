import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { SshPorts } from '../node/box/ssh/ports.ts';
import { memorySecrets } from '../node/box/ssh/ports.ts';

/**
 * Asks at the terminal, for as long as this process lives. Without a terminal (a script, the editor's runner) nothing
 * is asked: unknown hosts stay unknown, and keys must be without a passphrase or in an agent.
 */
export function sshPrompts(input = process.stdin, output = process.stderr): SshPorts {
  const interactive = input.isTTY && output.isTTY;
  // One question at a time, whoever asks.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(ask: () => Promise<T>): Promise<T> => {
    const next = last.then(ask, ask);
    last = next.catch(() => undefined);
    return next;
  };
  return {
    secrets: memorySecrets(),
    askSecret: (request, signal) =>
      interactive
        ? inTurn(() => ask(`${request.attempt > 1 ? 'Wrong. ' : ''}${request.prompt}: `, request.echo, signal))
        : Promise.resolve(undefined),
    acceptHostKey: (question, signal) =>
      interactive
        ? inTurn(async () => {
            const { host, name, keyType, fingerprint } = question;
            const answer = await ask(
              `The host ${host} (${name}) is not known yet. It shows this ${keyType} key:\n  ${fingerprint}\nIs that its key? Compare it with what its administrator says. Type yes to go on: `,
              true,
              signal,
            );
            return answer?.trim().toLowerCase() === 'yes';
          })
        : Promise.resolve(false),
  };

  function ask(prompt: string, echo: boolean, signal: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
      if (!echo) output.write(printable(prompt));
      const lines = createInterface({ input, output: echo ? output : silent, terminal: true });
      const end = (answer: string | undefined): void => {
        signal.removeEventListener('abort', stop);
        lines.close();
        if (!echo) output.write('\n');
        resolve(answer);
      };
      const stop = (): void => end(undefined);
      signal.addEventListener('abort', stop, { once: true });
      lines.on('SIGINT', () => {
        stop();
        process.kill(process.pid, 'SIGINT');
      });
      lines.question(echo ? printable(prompt) : '', { signal }, end);
    });
  }
}

/** Prompts may come from the host: what would drive the terminal is taken out. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '');
}
