import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from '../../src/node/box/boxErrors.ts';
import { downloadFile, uploadFile } from '../../src/node/box/transfer.ts';
import { Line, makeKey, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import type { Client } from './support.ts';
import { client, writeConfig } from './support.ts';

const size = 6_000_000;
const parts = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.part'));
const retry = { retryMs: 20 };

describe('a line that breaks', { skip: withoutSshd }, () => {
  let folder: string;
  let box: string;
  let server: Sshd;
  let line: Line;
  let made: Client;
  let local: string;

  before(async () => {
    folder = sshFolder();
    box = join(folder, 'box');
    mkdirSync(box);
    local = join(folder, 'local');
    writeFileSync(local, randomBytes(size));
    server = await Sshd.start({ folder: join(folder, 'server'), keys: [makeKey(join(folder, 'key'))] });
  });
  after(async () => {
    await server.stop();
    removeFolder(folder);
  });
  beforeEach(async () => {
    line = await Line.to(server.port);
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('box'));
    const lines = [`IdentityFile ${join(folder, 'key')}`, 'HostKeyAlias box'];
    const config = writeConfig(folder, [{ alias: 'box', port: line.port, lines }]);
    made = client({ config, alias: 'box', folder, keepaliveMs: 150, keepaliveCount: 3 });
  });
  afterEach(() => {
    made.connection.close();
    line.close();
  });

  /** Calls `act` once when so many bytes more have gone through. */
  const after_ = (bytes: number, act: () => void): void => {
    const from = line.bytes;
    line.onData = () => {
      if (line.bytes - from < bytes) return;
      line.onData = () => undefined;
      act();
    };
  };
  const breaks: readonly (readonly [string, () => void])[] = [
    ['is cut', () => line.cut()],
    [
      'freezes, so that neither end is told',
      () => {
        line.freeze();
        setTimeout(() => line.thaw(), 1200);
      },
    ],
    [
      'ends at a server that is killed and comes back',
      () => {
        void server.stop().then(() => server.start());
      },
    ],
  ];

  for (const [what, act] of breaks) {
    it(`in an upload: it ${what}, and the upload goes on where it was`, async () => {
      await made.files.stat(box);
      const to = join(box, 'up');
      rmSync(to, { force: true });
      after_(3_000_000, act);
      const before = line.bytes;
      await uploadFile(made.files, local, to, retry);
      assert.deepEqual(readFileSync(to), readFileSync(local));
      assert.deepEqual(parts(box), []);
      // What had arrived was not sent again, but for what was on its way.
      assert.ok(line.bytes - before < size + 3_000_000, String(line.bytes - before));
    });

    it(`in a download: it ${what}, and the download goes on where it was`, async () => {
      const from = join(box, 'down');
      writeFileSync(from, readFileSync(local));
      await made.files.stat(box);
      const to = join(folder, 'downloaded');
      rmSync(to, { force: true });
      after_(3_000_000, act);
      const before = line.bytes;
      await downloadFile(made.files, from, to, retry);
      assert.deepEqual(readFileSync(to), readFileSync(local));
      assert.deepEqual(parts(folder), []);
      assert.ok(line.bytes - before < size + 3_000_000, String(line.bytes - before));
    });
  }

  it('again and again ends in the right bytes all the same', async () => {
    const to = join(box, 'often');
    let cuts = 0;
    const again = (): void => {
      line.cut();
      if (++cuts < 6) after_(300_000 + Math.floor(Math.random() * 900_000), again);
    };
    after_(500_000, again);
    await uploadFile(made.files, local, to, retry);
    await downloadFile(made.files, to, join(folder, 'often'), retry);
    line.onData = () => undefined;
    assert.deepEqual(readFileSync(join(folder, 'often')), readFileSync(local));
  });

  it('under a program is unreachable and not a failure, and the next call connects anew', async () => {
    const running = made.files.exec(['sleep', '20']);
    setTimeout(() => line.cut(), 400);
    await assert.rejects(running, (error) => JobError.is(error, 'unreachable'));
    assert.equal((await made.files.exec(['echo', 'back'])).stdout, 'back\n');
  });

  it('that nobody has cut but that carries nothing is noticed by the keepalive', async () => {
    await made.files.stat(box);
    const running = assert.rejects(made.files.exec(['sleep', '20']), (error) => JobError.is(error, 'unreachable'));
    await sleep(300);
    line.freeze();
    const started = performance.now();
    await running;
    assert.ok(performance.now() - started < 5000);
    line.thaw();
    assert.equal((await made.files.exec(['echo', 'back'])).stdout, 'back\n');
  });

  it('that is reset as soon as it is there is unreachable, at whatever moment', async () => {
    for (let delay = 0; delay < 12; delay++) {
      const resetting = createServer((socket) => {
        socket.on('error', () => undefined);
        setTimeout(() => socket.resetAndDestroy(), delay);
      });
      await new Promise<void>((resolve) => resetting.listen(0, '127.0.0.1', resolve));
      const { port } = resetting.address() as AddressInfo;
      const config = writeConfig(folder, [{ alias: 'reset', port, lines: ['HostKeyAlias box'] }], 'reset');
      const other = client({ config, alias: 'reset', folder, retryMs: 1, attempts: 2 });
      await assert.rejects(other.files.stat(box), (error) => JobError.is(error, 'unreachable'));
      other.connection.close();
      resetting.close();
    }
  });

  it('between two reads is not noticed by the caller', async () => {
    writeFileSync(join(box, 'small'), 'text');
    assert.equal((await made.files.read(join(box, 'small'), 0, 10)).length, 4);
    line.cut();
    assert.equal((await made.files.read(join(box, 'small'), 0, 10)).length, 4);
  });

  it('is not tried more often than a doubling time allows, and then again', async () => {
    let connections = 0;
    line.refuse(true);
    const other = client({
      config: join(folder, 'config'),
      alias: 'box',
      folder,
      retryMs: 200,
      attempts: 2,
      route: async () => {
        connections++;
        const { resolveRoute } = await import('../../src/node/box/ssh/sshConfig.ts');
        return resolveRoute('box', { configFile: join(folder, 'config') });
      },
    });
    try {
      const failed = (): Promise<void> =>
        assert.rejects(other.files.stat(box), (error) => JobError.is(error, 'unreachable'));
      await failed();
      assert.equal(connections, 2);
      for (let i = 0; i < 20; i++) await failed();
      assert.equal(connections, 2);
      line.refuse(false);
      await sleep(250);
      assert.ok((await other.files.stat(box)) !== undefined);
    } finally {
      other.connection.close();
    }
  });

  it('that somebody gives up on leaves a part, with which the next upload goes on', async () => {
    const to = join(box, 'given-up');
    await made.files.stat(box);
    const stop = new AbortController();
    after_(3_000_000, () => stop.abort());
    await assert.rejects(uploadFile(made.files, local, to, { ...retry, signal: stop.signal }), { name: 'AbortError' });
    assert.equal(parts(box).length, 1);
    const before = line.bytes;
    let first: number | undefined;
    await uploadFile(made.files, local, to, { ...retry, onProgress: ({ done }) => (first ??= done) });
    assert.ok((first ?? 0) > 1_000_000, String(first));
    assert.ok(line.bytes - before < size - 1_000_000);
    assert.deepEqual(readFileSync(to), readFileSync(local));
    assert.deepEqual(parts(box), []);
  });

  it('is given up when the caller is gone, also while connecting', async () => {
    line.freeze();
    const started = performance.now();
    await assert.rejects(made.files.stat(box, AbortSignal.timeout(200)), { name: 'TimeoutError' });
    assert.ok(performance.now() - started < 2000);
    line.thaw();
    assert.ok((await made.files.stat(box)) !== undefined);
  });
});
