import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { JobError, SshError } from '../../src/node/box/boxErrors.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { resolveRoute } from '../../src/node/box/ssh/sshConfig.ts';
import { Agent, makeKey, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import type { Client, ClientOptions } from './support.ts';
import { client, writeConfig } from './support.ts';

describe('a connection', { skip: withoutSshd }, () => {
  let folder: string;
  let server: Sshd;
  let jump: Sshd;
  let config: string;
  const keys: Record<'plain' | 'locked' | 'old' | 'rsa' | 'ecdsa' | 'other', string> = {
    plain: '',
    locked: '',
    old: '',
    rsa: '',
    ecdsa: '',
    other: '',
  };
  const clients: Client[] = [];
  const connect = (alias: string, options: Partial<ClientOptions> = {}): Client => {
    const made = client({ config, alias, folder, ...options });
    clients.push(made);
    return made;
  };
  const whoami = async (made: Client): Promise<string> => (await made.files.exec(['echo', 'in'])).stdout;

  before(async () => {
    folder = sshFolder();
    keys.plain = makeKey(join(folder, 'plain'));
    keys.locked = makeKey(join(folder, 'locked'), { passphrase: 'open sesame' });
    keys.old = makeKey(join(folder, 'old'), { type: 'rsa', passphrase: 'open sesame', pem: true });
    keys.rsa = makeKey(join(folder, 'rsa'), { type: 'rsa' });
    keys.ecdsa = makeKey(join(folder, 'ecdsa'), { type: 'ecdsa' });
    keys.other = makeKey(join(folder, 'other'));
    const { other: _other, ...allowed } = keys;
    server = await Sshd.start({ folder: join(folder, 'server'), keys: Object.values(allowed) });
    jump = await Sshd.start({ folder: join(folder, 'jump'), keys: [keys.plain] });
    writeFileSync(join(folder, 'known_hosts'), server.knownHost() + jump.knownHost());
    writeFileSync(join(folder, 'garbage'), 'no key');
    copyFileSync(keys.plain, join(folder, 'a key with blanks'));
    copyFileSync(keys.plain, join(folder, 'open'));
    chmodSync(join(folder, 'open'), 0o644);
    const identity = (key: string): string[] => [`IdentityFile "${key}"`];
    config = writeConfig(folder, [
      { alias: 'box', port: server.port, lines: identity(keys.plain) },
      { alias: 'blanks', port: server.port, lines: identity(join(folder, 'a key with blanks')) },
      { alias: 'open', port: server.port, lines: identity(join(folder, 'open')) },
      { alias: 'locked', port: server.port, lines: identity(keys.locked) },
      { alias: 'old', port: server.port, lines: identity(keys.old) },
      { alias: 'rsa', port: server.port, lines: identity(keys.rsa) },
      { alias: 'ecdsa', port: server.port, lines: identity(keys.ecdsa) },
      { alias: 'other', port: server.port, lines: identity(keys.other) },
      { alias: 'garbage', port: server.port, lines: identity(join(folder, 'garbage')) },
      { alias: 'missing', port: server.port, lines: identity(join(folder, 'nothing here')) },
      {
        alias: 'agent',
        port: server.port,
        lines: [`IdentityAgent ${join(folder, 'agent.sock')}`, 'IdentitiesOnly no'],
      },
      { alias: 'jump', port: jump.port, lines: identity(keys.plain) },
      { alias: 'behind', port: server.port, lines: [...identity(keys.plain), 'ProxyJump jump'] },
      { alias: 'far', port: server.port, lines: [...identity(keys.plain), `ProxyJump jump,box`] },
      { alias: 'circle', port: server.port, lines: ['ProxyJump elcric'] },
      { alias: 'elcric', port: jump.port, lines: ['ProxyJump circle'] },
      { alias: 'command', port: server.port, lines: ['ProxyCommand nc %h %p'] },
      { alias: 'closed', port: 1, lines: identity(keys.plain) },
      { alias: 'unnamed', port: server.port, lines: [...identity(keys.plain), 'HostKeyAlias unnamed'] },
      { alias: 'strict', port: server.port, lines: ['HostKeyAlias strict', 'StrictHostKeyChecking yes'] },
      { alias: 'changed', port: server.port, lines: [...identity(keys.plain), 'HostKeyAlias changed'] },
      { alias: 'revoked', port: server.port, lines: [...identity(keys.plain), 'HostKeyAlias revoked'] },
      { alias: 'hashed', port: server.port, lines: [...identity(keys.plain), 'HostKeyAlias hashed.example'] },
    ]);
  });
  afterEach(() => {
    for (const { connection } of clients.splice(0)) connection.close();
  });
  after(async () => {
    await server.stop();
    await jump.stop();
    removeFolder(folder);
  });

  for (const alias of ['box', 'rsa', 'ecdsa', 'blanks'])
    it(`is let in by a key (${alias})`, async () => {
      const made = connect(alias);
      assert.equal(await whoami(made), 'in\n');
      assert.deepEqual(made.asked, []);
      assert.deepEqual(made.questions, []);
    });

  for (const alias of ['locked', 'old'])
    it(`asks for the passphrase of a key until it is right, and once (${alias})`, async () => {
      const secrets = memorySecrets();
      const made = connect(alias, { answers: ['wrong', 'open sesame'], secrets });
      assert.equal(await whoami(made), 'in\n');
      assert.deepEqual(
        made.asked.map(({ kind, attempt, file }) => [kind, attempt, file]),
        [
          ['passphrase', 1, keys[alias as 'locked']],
          ['passphrase', 2, keys[alias as 'locked']],
        ],
      );
      const later = connect(alias, { secrets });
      assert.equal(await whoami(later), 'in\n');
      assert.deepEqual(later.asked, []);
    });

  it('says that a passphrase was wrong, and holds nothing of it in the message', async () => {
    const made = connect('locked', { answers: ['wrong-1', 'wrong-2', 'wrong-3', 'open sesame'] });
    await assert.rejects(whoami(made), (error) => {
      assert.ok(SshError.is(error, 'authentication'));
      assert.match(error.message, /^locked \(authentication\): .*passphrase is wrong/);
      assert.doesNotMatch(error.message, /wrong-\d/);
      return true;
    });
    assert.equal(made.asked.length, 3);
  });

  it('does not ask for the passphrase of a key that the host does not take', async () => {
    const path = makeKey(join(folder, 'foreign'), { passphrase: 'x' });
    const alone = writeConfig(
      folder,
      [{ alias: 'foreign', port: server.port, lines: [`IdentityFile ${path}`] }],
      'alone',
    );
    const made = connect('foreign', { config: alone, answers: ['x'] });
    await assert.rejects(whoami(made), (error) => SshError.is(error, 'authentication'));
    assert.deepEqual(made.asked, []);
  });

  it('is let in by the agent', async () => {
    const agent = await Agent.start(folder, [keys.other, keys.plain]);
    try {
      assert.equal(await whoami(connect('agent')), 'in\n');
    } finally {
      agent.stop();
    }
  });

  it('says what was tried when the agent is gone and no key is taken', async () => {
    await assert.rejects(
      whoami(connect('agent')),
      (error) => SshError.is(error, 'authentication') && error.message.includes('the agent does not answer'),
    );
    await assert.rejects(
      whoami(connect('garbage')),
      (error) => SshError.is(error, 'authentication') && /garbage holds no key that can be used/.test(error.message),
    );
    await assert.rejects(whoami(connect('other')), (error) => SshError.is(error, 'authentication'));
    await assert.rejects(
      whoami(connect('missing')),
      (error) => SshError.is(error, 'authentication') && /IdentityFile .*nothing here is not there/.test(error.message),
    );
    await assert.rejects(
      whoami(connect('open')),
      (error) =>
        SshError.is(error, 'authentication') && /others? .* may read .*: run chmod 600 ".*open"/.test(error.message),
    );
  });

  it('goes through a jump host, and through two', async () => {
    assert.equal(await whoami(connect('behind')), 'in\n');
    assert.equal(await whoami(connect('far')), 'in\n');
  });

  it('is lost when a jump host is, and made anew when it is back', async () => {
    const made = connect('behind', { attempts: 1 });
    await whoami(made);
    const running = assert.rejects(made.files.exec(['sleep', '20']), (error) => JobError.is(error, 'unreachable'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await jump.stop();
    await running;
    await assert.rejects(whoami(made), (error) => JobError.is(error, 'unreachable') && error.message.includes('jump'));
    await jump.start();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(await whoami(made), 'in\n');
  });

  it('refuses a ProxyJump that leads in a circle, and a ProxyCommand', async () => {
    await assert.rejects(whoami(connect('circle')), (error) => SshError.is(error, 'config'));
    await assert.rejects(whoami(connect('command')), (error) => SshError.is(error, 'unsupported'));
  });

  it('that nobody answers is unreachable, with name and port', async () => {
    await assert.rejects(
      whoami(connect('closed')),
      (error) => JobError.is(error, 'unreachable') && /^closed \(connecting to 127.0.0.1 port 1\)/.test(error.message),
    );
  });

  describe('and the host key', () => {
    it('is refused while nobody accepts it, before anything is proved to the host', async () => {
      const before = server.log.length;
      const made = connect('unnamed');
      await assert.rejects(
        whoami(made),
        (error) => SshError.is(error, 'unknown-host-key') && /SHA256:/.test(error.message),
      );
      const shown = execFileSync('ssh-keygen', ['-lf', `${server.hostKey}.pub`], { encoding: 'utf8' }).split(' ')[1];
      assert.deepEqual(made.questions, [
        {
          host: 'unnamed',
          name: 'unnamed',
          address: '127.0.0.1',
          port: server.port,
          keyType: 'ssh-ed25519',
          fingerprint: shown,
        },
      ]);
      assert.doesNotMatch(server.log.slice(before), /Accepted|Failed/);
      assert.equal(existsSync(join(folder, 'our_known_hosts')), false);
    });

    it('is kept when it is accepted, and not asked for again', async () => {
      assert.equal(await whoami(connect('unnamed', { accept: true })), 'in\n');
      assert.match(readFileSync(join(folder, 'our_known_hosts'), 'utf8'), /^unnamed ssh-ed25519 /);
      const later = connect('unnamed');
      assert.equal(await whoami(later), 'in\n');
      assert.deepEqual(later.questions, []);
    });

    it('is refused without a question where StrictHostKeyChecking is yes', async () => {
      const made = connect('strict', { accept: true });
      await assert.rejects(whoami(made), (error) => SshError.is(error, 'unknown-host-key'));
      assert.deepEqual(made.questions, []);
    });

    it('that is another one than before is refused, whoever accepts it', async () => {
      const known = join(folder, 'known_hosts');
      const text = readFileSync(known, 'utf8');
      const [type, key] = readFileSync(`${keys.other}.pub`, 'utf8').split(' ');
      try {
        writeFileSync(known, `${text}changed ${type!} ${key!}\n`);
        const made = connect('changed', { accept: true });
        await assert.rejects(whoami(made), (error) => SshError.is(error, 'changed-host-key'));
        assert.deepEqual(made.questions, []);
        // Also when the type differs: the attacker would choose it.
        const [rsaType, rsaKey] = readFileSync(`${keys.rsa}.pub`, 'utf8').split(' ');
        writeFileSync(known, `${text}changed ${rsaType!} ${rsaKey!}\n`);
        await assert.rejects(whoami(connect('changed', { accept: true })), (error) =>
          SshError.is(error, 'changed-host-key'),
        );
      } finally {
        writeFileSync(known, text);
      }
    });

    it('that is marked as revoked is refused', async () => {
      const known = join(folder, 'known_hosts');
      const text = readFileSync(known, 'utf8');
      try {
        writeFileSync(known, `${text}${server.knownHost('revoked')}@revoked ${server.knownHost('*')}`);
        await assert.rejects(whoami(connect('revoked', { accept: true })), (error) =>
          SshError.is(error, 'revoked-host-key'),
        );
      } finally {
        writeFileSync(known, text);
      }
    });

    it('is found under a hashed name', async () => {
      const known = join(folder, 'hashed_hosts');
      writeFileSync(known, server.knownHost('hashed.example'));
      execFileSync('ssh-keygen', ['-H', '-f', known], { stdio: 'ignore' });
      assert.match(readFileSync(known, 'utf8'), /^\|1\|/);
      const lines = [`IdentityFile ${keys.plain}`, 'HostKeyAlias hashed.example', `UserKnownHostsFile ${known}`];
      const alone = writeConfig(folder, [{ alias: 'hashed', port: server.port, lines }], 'hashed');
      assert.equal(await whoami(connect('hashed', { config: alone })), 'in\n');
    });

    it('of the jump host is checked under its own name', async () => {
      const alone = writeConfig(
        folder,
        [
          { alias: 'jump', port: jump.port, lines: [`IdentityFile ${keys.plain}`, 'HostKeyAlias jump-alias'] },
          { alias: 'behind', port: server.port, lines: [`IdentityFile ${keys.plain}`, 'ProxyJump jump'] },
        ],
        'jumps',
      );
      const made = connect('behind', { config: alone });
      await assert.rejects(whoami(made), (error) => SshError.is(error, 'unknown-host-key') && error.host === 'jump');
    });
  });

  it('is one for everything that uses it at once', async () => {
    const made = connect('box');
    const before = server.log.match(/Accepted publickey/g)?.length ?? 0;
    const done = await Promise.all(Array.from({ length: 12 }, () => whoami(made)));
    assert.deepEqual(new Set(done), new Set(['in\n']));
    assert.equal((server.log.match(/Accepted publickey/g)?.length ?? 0) - before, 1);
  });

  it('is read from the file the same way where OpenSSH is not there', async () => {
    const surroundings = { home: folder, localUser: 'me', env: {}, platform: process.platform };
    for (const alias of ['box', 'agent', 'far', 'hashed']) {
      const [a, b] = await Promise.all(
        [null, undefined].map((program) =>
          resolveRoute(alias, { configFile: config, surroundings, ...(program === undefined ? {} : { program }) }),
        ),
      );
      assert.deepEqual(a, b);
    }
  });
});
