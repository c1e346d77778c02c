import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { SshError } from '../../src/node/box/boxErrors.ts';
import { SystemSshFiles } from '../../src/node/box/ssh/systemSsh.ts';
import { uploadFile } from '../../src/node/box/transfer.ts';
import type { LoginShellOptions } from '../harness/loginShell.ts';
import { talkativeShell, withoutSftpServer, withoutShell } from '../harness/loginShell.ts';
import { makeKey, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import type { Client } from './support.ts';
import { client, writeConfig } from './support.ts';

const args = ["it's", '$HOME', 'a!b', 'back\\slash', 'two\nlines', ''];
const printed = { code: 0, stdout: args.map((arg) => `${arg}|`).join(''), stderr: '' };

describe('login shells whose rc files print', { skip: withoutSshd }, () => {
  let folder: string;
  let key: string;
  let config: string;
  let server: Sshd | undefined;
  let made: Client | undefined;

  before(() => {
    folder = sshFolder();
    key = makeKey(join(folder, 'key'));
    for (const name of ['box', 'control']) mkdirSync(join(folder, name), { mode: 0o700 });
  });
  afterEach(async () => {
    made?.connection.close();
    await server?.stop();
    made = server = undefined;
  });
  after(() => removeFolder(folder));

  const login = async (shell: string, options: LoginShellOptions = {}): Promise<void> => {
    const command = talkativeShell(folder, shell, options);
    server = await Sshd.start({ folder: join(folder, 'server'), keys: [key], config: [`ForceCommand ${command}`] });
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('box'));
    const lines = [`IdentityFile ${key}`, 'HostKeyAlias box'];
    config = writeConfig(folder, [{ alias: 'box', port: server.port, lines }]);
  };
  const connect = (): Client => (made = client({ config, alias: 'box', folder }));

  for (const shell of ['sh', 'bash', 'tcsh', 'fish']) {
    const skip = withoutShell(shell);
    it(`and read do no harm to programs, with ${shell}`, { skip }, async () => {
      await login(shell, { reads: true });
      assert.deepEqual(await connect().files.exec(['printf', '%s|', ...args]), printed);
    });

    it(`do no harm to OpenSSH's own client: programs and files, with ${shell}`, { skip }, async () => {
      await login(shell);
      const files = new SystemSshFiles({ alias: 'box', configFile: config, controlFolder: join(folder, 'control') });
      try {
        assert.deepEqual(await files.exec(['printf', '%s|', ...args]), printed);
        const [from, to] = [join(folder, 'from'), join(folder, 'box', shell)];
        const bytes = randomBytes(300_000);
        writeFileSync(from, bytes);
        await uploadFile(files, from, to);
        assert.deepEqual(readFileSync(to), bytes);
        await files.write(to, 'text');
        assert.equal(String(await files.read(to, 0, 10)), 'text');
      } finally {
        await files.close();
      }
    });

    it(
      `in the way of SFTP are told, with what to do, and programs go on, with ${shell}`,
      { skip: skip === false ? withoutSftpServer : skip },
      async () => {
        await login(shell, { sftp: true });
        const { files } = connect();
        for (const work of [files.home(), files.write(join(folder, 'box', 'x'), 'x')])
          await assert.rejects(work, (error) => {
            assert.ok(SshError.is(error, 'protocol'), String(error));
            assert.match(
              error.message,
              /^box \(file transfer\): rc files .*begins with "Welc".*interactive.*--transport system-ssh/,
            );
            return true;
          });
        assert.deepEqual(await files.exec(['printf', '%s|', ...args]), printed);
      },
    );
  }
});
