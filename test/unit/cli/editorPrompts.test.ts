import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { askEditor } from '../../../src/cli/editorPrompts.ts';
import type { Ask } from '../../../src/core/box/boxStatus.ts';
import { parseEvent } from '../../../src/node/runnerProcess.ts';

/** An editor that answers what `reply` says; undefined: not at all. */
function editor(reply: (ask: Ask) => unknown) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const asked: Ask[] = [];
  output.setEncoding('utf8').on('data', (line: string) => {
    const event = parseEvent(line);
    if (event?.type === 'withdrawn') return;
    assert.ok(event?.type === 'ask', line);
    asked.push(event.ask);
    const answer = reply(event.ask);
    if (answer !== undefined) input.write(`${JSON.stringify({ id: event.id, answer })}\n`);
  });
  return { ports: askEditor(input, output), input, asked };
}
const request = { kind: 'password', host: 'gpu', user: 'me', prompt: 'Password', echo: false, attempt: 1 } as const;
const question = {
  ...{ host: 'gpu', name: '[gpu]:22', address: '10.0.0.1', port: 22, keyType: 'ssh-ed25519', fingerprint: 'SHA256:x' },
};
const never = new AbortController().signal;

describe('questions to the editor', () => {
  it('go out as events, and come back as what was typed', async () => {
    const { ports, asked } = editor((ask) => (ask.kind === 'secret' ? 'geheim' : ask.kind === 'host-key'));
    const [secret, accepted] = await Promise.all([
      ports.askSecret(request, never),
      ports.acceptHostKey(question, never),
    ]);
    assert.deepEqual([secret, accepted], ['geheim', true]);
    assert.deepEqual(asked, [
      { kind: 'secret', request },
      { kind: 'host-key', question },
    ]);
  });

  it('keep secrets in the editor, not here', async () => {
    const kept = new Map<string, string>();
    const { ports } = editor((ask) => {
      if (ask.kind === 'set-secret') kept.set(ask.name, ask.secret);
      if (ask.kind === 'delete-secret') kept.delete(ask.name);
      return ask.kind === 'get-secret' ? (kept.get(ask.name) ?? false) : true;
    });
    assert.equal(await ports.secrets.get('a'), undefined);
    await ports.secrets.set('a', 'one');
    assert.equal(await ports.secrets.get('a'), 'one');
    await ports.secrets.delete('a');
    assert.equal(await ports.secrets.get('a'), undefined);
  });

  it('accept no host but by a plain yes', async () => {
    for (const answer of ['true', 'yes', false]) {
      const { ports } = editor(() => answer);
      assert.equal(await ports.acceptHostKey(question, never), false);
    }
  });

  it('end unanswered when they are given up, or the editor is gone', async () => {
    const { ports, input } = editor(() => undefined);
    const given = new AbortController();
    const first = ports.askSecret(request, given.signal);
    given.abort();
    assert.equal(await first, undefined);
    const second = ports.askSecret(request, never);
    input.end();
    assert.equal(await second, undefined);
    assert.equal(await ports.askSecret(request, never), undefined);
  });

  it('do not mind lines that are no answers', async () => {
    const { ports, input } = editor(() => undefined);
    const asked = ports.askSecret(request, never);
    input.write('nonsense\n{"id":99,"answer":"x"}\n{"id":1,"answer":{}}\n{"id":1,"answer":"y"}\n');
    assert.equal(await asked, 'y');
  });
});
