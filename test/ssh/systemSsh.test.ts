import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobError, SshError } from '../../src/node/box/boxErrors.ts';
import { isMissing } from '../../src/node/box/boxFiles.ts';
import type { OpenBox } from '../../src/node/box/openBox.ts';
import { openBox } from '../../src/node/box/openBox.ts';
import { PortForward } from '../../src/node/box/serving/portForward.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { SystemSshFiles } from '../../src/node/box/ssh/systemSsh.ts';
import { downloadFile, uploadFile } from '../../src/node/box/transfer.ts';
import { Line, makeKey, processes, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import { writeConfig } from './support.ts';

describe("a host by OpenSSH's own client", { skip: withoutSshd }, () => {
  let folder: string;
  let box: string;
  let server: Sshd;
  let line: Line;
  let files: SystemSshFiles;
  let configFile: string;

  before(async () => {
    folder = sshFolder();
    box = join(folder, 'box');
    for (const name of ['box', 'control']) mkdirSync(join(folder, name), { mode: 0o700 });
    const key = makeKey(join(folder, 'key'));
    server = await Sshd.start({ folder: join(folder, 'server'), keys: [key] });
    line = await Line.to(server.port);
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('box'));
    const lines = [`IdentityFile ${key}`, 'HostKeyAlias box'];
    configFile = writeConfig(folder, [
      { alias: 'box', port: line.port, lines },
      { alias: 'unknown', port: line.port, lines: [`IdentityFile ${key}`, 'HostKeyAlias unknown'] },
      { alias: 'nobody', port: line.port, lines: ['HostKeyAlias box'] },
      { alias: 'closed', port: 1, lines },
    ]);
    files = new SystemSshFiles({ alias: 'box', configFile, controlFolder: join(folder, 'control') });
  });
  after(async () => {
    await files.close();
    line.close();
    await server.stop();
    removeFolder(folder);
  });

  it('reads, writes, renames and tells one file from another', async () => {
    const path = join(box, 'a b', "it's");
    await files.makeFolder(join(box, 'a b'));
    await files.write(path, 'one');
    const first = await files.stat(path);
    await files.write(join(box, 'new'), Buffer.from([0, 1, 2, 255]));
    await files.rename(join(box, 'new'), path);
    const second = await files.stat(path);
    assert.deepEqual([first?.size, second?.size], [3, 4]);
    assert.notEqual(first?.id, second?.id);
    assert.deepEqual([...(await files.read(path, 1, 2))], [1, 2]);
    assert.equal((await files.read(path, 9, 2)).length, 0);
    await files.remove(path);
    await files.remove(path);
    assert.equal(await files.stat(path), undefined);
    await assert.rejects(files.read(path, 0, 1), isMissing);
    await assert.rejects(files.write('/nonexistent/x', ''), (error) => JobError.is(error, 'disk'));
  });

  it('runs programs with their codes over one connection', async () => {
    assert.deepEqual(await files.exec(['sh', '-c', 'printf o; printf e >&2; exit 7']), {
      code: 7,
      stdout: 'o',
      stderr: 'e',
    });
    await assert.rejects(files.exec(['no-such-program']), (error) => JobError.is(error, 'cannot-start'));
    assert.equal((await files.exec(['sleep', '3022'], { timeoutMs: 3000 })).code, null);
    await assert.rejects(files.exec(['sleep', '3022'], { signal: AbortSignal.timeout(3000) }), { name: 'AbortError' });
    const left = (): boolean => [...processes().values()].some(({ command }) => command === 'sleep 3022');
    for (let i = 0; i < 1500 && left(); i++) await sleep(20);
    assert.equal(left(), false);
    assert.equal(server.log.match(/Accepted publickey/g)?.length, 1);
    assert.equal((await files.home()).startsWith('/'), true);
  });

  it('goes on with an upload and a download after the line was cut', async () => {
    const local = join(folder, 'local');
    writeFileSync(local, randomBytes(6_000_000));
    const cutAfter = (bytes: number): void => {
      const from = line.bytes;
      line.onData = () => {
        if (line.bytes - from < bytes) return;
        line.onData = () => undefined;
        line.cut();
      };
    };
    cutAfter(3_000_000);
    await uploadFile(files, local, join(box, 'up'), { retryMs: 50 });
    assert.deepEqual(readFileSync(join(box, 'up')), readFileSync(local));
    renameSync(join(box, 'up'), join(box, 'down'));
    cutAfter(3_000_000);
    await downloadFile(files, join(box, 'down'), join(folder, 'down'), { retryMs: 50 });
    assert.deepEqual(readFileSync(join(folder, 'down')), readFileSync(local));
  });

  it('opens streams to a port of the box, holds a client while the line is down, and ends with the far end', async () => {
    const target = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .on('data', (bytes) => {
          if (String(bytes) === 'end') socket.end();
          else socket.write(String(bytes).toUpperCase());
        });
    });
    await once(target.listen(0, '127.0.0.1'), 'listening');
    const { port } = target.address() as AddressInfo;
    // Sockets of shared connections go where only this test looks.
    const before = process.env['XDG_RUNTIME_DIR'];
    process.env['XDG_RUNTIME_DIR'] = join(folder, 'control');
    const ports = {
      askSecret: () => Promise.resolve(undefined),
      acceptHostKey: () => Promise.resolve(false),
      secrets: memorySecrets(),
    };
    const open = (host: string): OpenBox =>
      openBox({ host, transport: 'system-ssh', sshConfig: configFile }, { ports });
    const opened = open('box');
    const unknown = open('unknown');
    let forward: PortForward | undefined;
    try {
      const stream = await opened.connect({ port });
      stream.write('one');
      assert.equal(String(((await once(stream, 'data')) as [Buffer])[0]), 'ONE');
      const closed = new Promise((done) => stream.on('error', () => undefined).once('close', done));
      stream.write('end');
      stream.resume();
      await closed;
      await assert.rejects(unknown.connect({ port }), (error) => SshError.is(error, 'unknown-host-key'));

      forward = await PortForward.open({ connect: (signal) => opened.connect({ port }, signal), retryMs: 50 });
      const say = async (text: string): Promise<string> => {
        const socket = connect(forward?.port ?? 0, '127.0.0.1');
        try {
          socket.write(text);
          return String(((await once(socket, 'data')) as [Buffer])[0]);
        } finally {
          socket.destroy();
        }
      };
      assert.equal(await say('two'), 'TWO');
      line.refuse(true);
      line.cut();
      const waiting = say('three');
      await sleep(1000);
      line.refuse(false);
      assert.equal(await waiting, 'THREE');
    } finally {
      line.refuse(false);
      forward?.close();
      target.close();
      await Promise.all([opened.close(), unknown.close()]);
      if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
      else process.env['XDG_RUNTIME_DIR'] = before;
    }
  });

  it('tells what a person has to mend from what may pass', async () => {
    const ask = (alias: string): Promise<unknown> => new SystemSshFiles({ alias, configFile }).exec(['true']);
    await assert.rejects(ask('unknown'), (error) => SshError.is(error, 'unknown-host-key'));
    await assert.rejects(ask('nobody'), (error) => SshError.is(error, 'authentication'));
    await assert.rejects(ask('closed'), (error) => JobError.is(error, 'unreachable') && error.lasting);
    assert.throws(
      () => new SystemSshFiles({ alias: '-oProxyCommand=x' }),
      (error) => SshError.is(error, 'config'),
    );
    const running = files.exec(['sleep', '20']);
    setTimeout(() => line.cut(), 500);
    await assert.rejects(running, (error) => JobError.is(error, 'unreachable') && !error.lasting);
  });
});
