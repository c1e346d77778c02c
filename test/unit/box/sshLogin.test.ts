import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { SshError } from '../../../src/node/box/boxErrors.ts';
import { SshConnection } from '../../../src/node/box/ssh/connection.ts';
import { HostKeys } from '../../../src/node/box/ssh/hostKeys.ts';
import { knownHostLine } from '../../../src/node/box/ssh/knownHosts.ts';
import type { SecretRequest, SecretStore } from '../../../src/node/box/ssh/ports.ts';
import { memorySecrets } from '../../../src/node/box/ssh/ports.ts';
import { SshFiles } from '../../../src/node/box/ssh/sshFiles.ts';
import type { SshServerDouble, SshServerOptions, Verdict } from '../../doubles/sshServer.ts';
import { sshServer } from '../../doubles/sshServer.ts';

describe('logging in with passwords and questions', () => {
  let folder: string;
  let server: SshServerDouble | undefined;
  let connection: SshConnection | undefined;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'autoact-login-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => {
    connection?.close();
    server?.close();
  });

  const logIn = async (
    options: SshServerOptions,
    answers: readonly (string | undefined)[],
    secrets: SecretStore = memorySecrets(),
    knownKey?: Uint8Array,
  ): Promise<{ out: Promise<string>; asked: SecretRequest[]; server: SshServerDouble }> => {
    const started = await sshServer(options);
    server = started;
    const known = join(folder, 'known_hosts');
    writeFileSync(known, knownHostLine(`[127.0.0.1]:${started.port}`, knownKey ?? started.hostKey));
    const asked: SecretRequest[] = [];
    const left = [...answers];
    const made = new SshConnection({
      alias: 'box',
      route: () =>
        Promise.resolve([
          {
            alias: 'box',
            hostname: '127.0.0.1',
            port: started.port,
            user: 'me',
            identityFiles: [],
            identitiesOnly: false,
            proxyJump: [],
            knownHostsFiles: [known],
            strict: false,
            connectTimeoutMs: 5000,
          },
        ]),
      ports: {
        askSecret: (request) => {
          asked.push(request);
          return Promise.resolve(left.shift());
        },
        acceptHostKey: () => Promise.resolve(false),
        secrets,
      },
      hostKeys: new HostKeys(join(folder, 'ours'), () => Promise.resolve(false)),
      retryMs: 10,
    });
    connection = made;
    return { out: new SshFiles(made).exec(['echo', 'in']).then(({ stdout }) => stdout), asked, server: started };
  };
  const right = (password: string): Verdict => (password === 'right' ? true : ['password']);

  it('a password is asked for until it is right, and kept once it has let us in', async () => {
    const secrets = memorySecrets();
    const options = { methods: ['password'], password: right };
    const first = await logIn(options, ['wrong', 'right'], secrets);
    assert.equal(await first.out, 'in\n');
    assert.deepEqual(
      first.asked.map(({ kind, attempt, echo, host, user }) => [kind, attempt, echo, host, user]),
      [
        ['password', 1, false, 'box', 'me'],
        ['password', 2, false, 'box', 'me'],
      ],
    );
    const name = `password me@127.0.0.1:${first.server.port}`;
    assert.equal(await secrets.get(name), 'right');
  });

  it('a kept password that is no longer right is forgotten, and asked for anew', async () => {
    const kept = new Map<string, string>();
    const secrets: SecretStore = {
      get: (name) => Promise.resolve(name.startsWith('password') ? (kept.get('it') ?? 'old') : undefined),
      set: (_name, secret) => Promise.resolve(void kept.set('it', secret)),
      delete: () => Promise.resolve(),
    };
    const { out, asked, server: seen } = await logIn({ methods: ['password'], password: right }, ['right'], secrets);
    assert.equal(await out, 'in\n');
    assert.deepEqual(
      seen.attempts.map(({ password }) => password),
      [undefined, 'old', 'right'],
    );
    assert.equal(asked.length, 1);
    assert.equal(kept.get('it'), 'right');
  });

  it('passwords that are wrong three times, or not given, end in a message without them', async () => {
    for (const answers of [['bad-1', 'bad-2', 'bad-3', 'right'], [undefined]]) {
      const { out, asked } = await logIn({ methods: ['password'], password: right }, answers);
      await assert.rejects(out, (error) => {
        assert.ok(SshError.is(error, 'authentication'));
        assert.match(error.message, /^box \(authentication\): the host lets me in by password/);
        assert.doesNotMatch(error.message, /bad-/);
        return true;
      });
      assert.equal(asked.length, Math.min(3, answers.length));
      connection?.close();
      server?.close();
    }
  });

  it("the host's own questions are put to the user as they are", async () => {
    const options: SshServerOptions = {
      methods: ['keyboard-interactive'],
      questions: [
        { prompt: 'Password: ', echo: false },
        { prompt: 'Code: ', echo: true },
      ],
      answers: (answers) => (answers.join() === 'right,123456' ? true : ['keyboard-interactive']),
    };
    const { out, asked } = await logIn(options, ['right', '000000', 'right', '123456']);
    assert.equal(await out, 'in\n');
    assert.deepEqual(
      asked.map(({ prompt, echo, attempt }) => [prompt, echo, attempt]),
      [
        ['Password: ', false, 1],
        ['Code: ', true, 1],
        ['Password: ', false, 2],
        ['Code: ', true, 2],
      ],
    );
  });

  it('a host may want a password and then a code', async () => {
    const { out, asked } = await logIn(
      {
        methods: ['password', 'keyboard-interactive'],
        password: (password) => (password === 'right' ? { partial: ['keyboard-interactive'] } : ['password']),
        questions: [{ prompt: 'Code: ', echo: true }],
        answers: ([code]) => (code === '1' ? true : ['keyboard-interactive']),
      },
      ['right', '1'],
    );
    assert.equal(await out, 'in\n');
    assert.deepEqual(
      asked.map(({ kind }) => kind),
      ['password', 'keyboard-interactive'],
    );
  });

  it('a host whose key has changed gets no password, and not even the name of the user', async () => {
    const other = await sshServer({ methods: ['password'] });
    other.close();
    const options = { methods: ['password'], password: right };
    const { out, asked, server: seen } = await logIn(options, ['right'], undefined, other.hostKey);
    await assert.rejects(out, (error) => SshError.is(error, 'changed-host-key'));
    assert.deepEqual([asked, seen.attempts], [[], []]);
  });
});
