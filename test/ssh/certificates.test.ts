import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SshError } from '../../src/node/box/boxErrors.ts';
import { SystemSshFiles } from '../../src/node/box/ssh/systemSsh.ts';
import { makeKey, removeFolder, sshFolder, Sshd, user, withoutSshd } from '../harness/sshd.ts';
import { client, writeConfig } from './support.ts';

const day = 24 * 60 * 60 * 1000;
/** As ssh-keygen writes times. */
const stamp = (ms: number): string => new Date(ms).toISOString().replace(/\D/g, '').slice(0, 8);

/** Signs `key.pub`; the certificate lies beside it, where ssh and sshd look for it. */
function sign(key: string, authority: string, ...options: string[]): string {
  execFileSync('ssh-keygen', ['-q', '-s', authority, '-I', 'test', ...options, `${key}.pub`]);
  return `${key}-cert.pub`;
}

describe('a host that knows people by certificates alone', { skip: withoutSshd }, () => {
  let folder: string;
  let server: Sshd;
  let configFile: string;

  before(async () => {
    folder = sshFolder();
    mkdirSync(join(folder, 'server'));
    const people = makeKey(join(folder, 'people'));
    const hosts = makeKey(join(folder, 'hosts'));
    const hostKey = makeKey(join(folder, 'server', 'host_key'));
    const hostCertificate = sign(hostKey, hosts, '-h', '-n', 'box');
    server = await Sshd.start({
      ...{ folder: join(folder, 'server'), hostKey, keys: [] },
      config: [`TrustedUserCAKeys ${people}.pub`, `HostCertificate ${hostCertificate}`],
    });
    const signed = makeKey(join(folder, 'signed'));
    sign(signed, people, '-n', user);
    const other = makeKey(join(folder, 'other'));
    sign(other, hosts, '-n', user);
    const old = makeKey(join(folder, 'old'));
    sign(old, people, '-n', user, '-V', `${stamp(Date.now() - 9 * day)}:${stamp(Date.now() - 2 * day)}`);
    const open = join(folder, 'open');
    for (const end of ['', '.pub', '-cert.pub']) copyFileSync(`${signed}${end}`, `${open}${end}`);
    chmodSync(open, 0o644);

    // No key of this host is known, only who vouches for the keys of hosts with this name.
    writeFileSync(join(folder, 'known_hosts'), `@cert-authority box ${readFileSync(`${hosts}.pub`, 'utf8')}`);
    const host = (alias: string, key: string, name = 'box') => ({
      ...{ alias, port: server.port },
      lines: [`IdentityFile ${key}`, `HostKeyAlias ${name}`],
    });
    configFile = writeConfig(folder, [
      ...[host('box', signed), host('other', other), host('old', old), host('open', open)],
      host('elsewhere', signed, 'elsewhere'),
    ]);
  });
  after(async () => {
    await server.stop();
    removeFolder(folder);
  });

  const ask = async (alias: string): Promise<string> => {
    const files = new SystemSshFiles({ alias, configFile });
    try {
      return (await files.exec(['printf', 'in'])).stdout;
    } finally {
      await files.close();
    }
  };
  const refuses = (alias: string, kind: 'authentication' | 'unknown-host-key', words: RegExp): Promise<void> =>
    assert.rejects(ask(alias), (error) => {
      assert.ok(SshError.is(error, kind), String(error));
      assert.match(error.message, words);
      return true;
    });

  it("is reached by OpenSSH's own client, and is known by a certificate of its own", async () => {
    assert.equal(await ask('box'), 'in');
    assert.match(server.log, /Accepted publickey for .*-CERT .*ID test /);
  });

  it('refuses a certificate of another authority and one that has ended', async () => {
    await refuses('other', 'authentication', /other.*publickey/s);
    await refuses('old', 'authentication', /old.*publickey/s);
  });

  it('is a stranger under a name that its certificate does not have', () =>
    refuses('elsewhere', 'unknown-host-key', /elsewhere/));

  it('names a key that others can read, and the remedy', () => refuses('open', 'authentication', /open.*chmod 600/s));

  it('is not for the built-in client, which says what is', async () => {
    const builtIn = client({ config: configFile, alias: 'box', folder, accept: true });
    try {
      await assert.rejects(builtIn.files.exec(['true']), (error) => {
        assert.ok(SshError.is(error, 'authentication'), String(error));
        assert.match(error.message, /"system-ssh" for certificates/);
        return true;
      });
    } finally {
      builtIn.connection.close();
    }
  });
});
