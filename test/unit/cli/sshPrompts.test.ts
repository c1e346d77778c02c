import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { sshPrompts } from '../../../src/cli/sshPrompts.ts';
import type { SshPorts } from '../../../src/node/box/ssh/ports.ts';

function terminal(isTTY: boolean): { ports: SshPorts; type: (text: string) => void; shown: () => string } {
  const [input, output] = [new PassThrough(), new PassThrough()].map((stream) => Object.assign(stream, { isTTY }));
  let shown = '';
  output!.on('data', (bytes: Buffer) => (shown += bytes.toString()));
  return {
    ports: sshPrompts(input as never, output as never),
    type: (text) => input!.write(text),
    shown: () => shown,
  };
}

const signal = new AbortController().signal;
const passphrase = {
  kind: 'passphrase',
  host: 'gpu',
  user: 'me',
  prompt: 'Passphrase of the key /k',
  echo: false,
  attempt: 1,
} as const;
const question = {
  host: 'gpu',
  name: '[gpu]:22',
  address: '10.0.0.1',
  port: 22,
  keyType: 'ssh-ed25519',
  fingerprint: 'SHA256:abc',
};

it('a secret is asked for at the terminal and not shown there', async () => {
  const { ports, type, shown } = terminal(true);
  const answer = ports.askSecret(passphrase, signal);
  setTimeout(() => type('open sesame\n'), 20);
  assert.equal(await answer, 'open sesame');
  assert.match(shown(), /Passphrase of the key \/k: /);
  assert.doesNotMatch(shown(), /sesame/);
});

it('what a host asks cannot drive the terminal', async () => {
  const { ports, type, shown } = terminal(true);
  const answer = ports.askSecret({ ...passphrase, prompt: 'Code\u001b[2J\u0007', attempt: 2 }, signal);
  setTimeout(() => type('1\n'), 20);
  await answer;
  assert.match(shown(), /^Wrong\. Code\[2J: /);
});

it('an unknown host is shown with its fingerprint, and only yes accepts it', async () => {
  for (const [typed, accepted] of [
    ['yes\n', true],
    ['y\n', false],
    ['\n', false],
  ] as const) {
    const { ports, type, shown } = terminal(true);
    const answer = ports.acceptHostKey(question, signal);
    setTimeout(() => type(typed), 20);
    assert.equal(await answer, accepted);
    assert.match(shown(), /gpu \(\[gpu\]:22\)[^]*ssh-ed25519[^]*SHA256:abc/);
  }
});

it('one question is put at a time, and a cancelled one has no answer', async () => {
  const { ports, type, shown } = terminal(true);
  const stop = new AbortController();
  const first = ports.askSecret(passphrase, stop.signal);
  const second = ports.askSecret({ ...passphrase, prompt: 'Second' }, signal);
  setTimeout(() => {
    assert.doesNotMatch(shown(), /Second/);
    stop.abort();
  }, 20);
  assert.equal(await first, undefined);
  setTimeout(() => type('two\n'), 20);
  assert.equal(await second, 'two');
});

it('without a terminal nothing is asked', async () => {
  const { ports, shown } = terminal(false);
  assert.equal(await ports.askSecret(passphrase, signal), undefined);
  assert.equal(await ports.acceptHostKey(question, signal), false);
  assert.equal(shown(), '');
});
