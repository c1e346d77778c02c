import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { JobError } from '../../src/node/box/boxErrors.ts';
import { isMissing, readSmall } from '../../src/node/box/boxFiles.ts';
import { downloadFile, hashesOnBox, uploadFile, uploadFolder } from '../../src/node/box/transfer.ts';
import { makeKey, processes, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import type { Client } from './support.ts';
import { client, writeConfig } from './support.ts';

const isRoot = process.getuid?.() === 0;
/** Where root may not make files either. */
const systemFolder = '/sys/kernel';
const nowhereClosed = isRoot && !existsSync(systemFolder) && 'root may write anywhere';

describe('files and programs of a host', { skip: withoutSshd }, () => {
  let folder: string;
  let box: string;
  let server: Sshd;
  let made: Client;

  before(async () => {
    folder = sshFolder();
    box = join(folder, 'box');
    mkdirSync(box);
    const key = makeKey(join(folder, 'key'));
    server = await Sshd.start({ folder: join(folder, 'server'), keys: [key], config: ['LogLevel VERBOSE'] });
    writeFileSync(join(folder, 'known_hosts'), server.knownHost());
    const lines = [`IdentityFile ${key}`];
    made = client({ config: writeConfig(folder, [{ alias: 'box', port: server.port, lines }]), alias: 'box', folder });
  });
  after(async () => {
    made.connection.close();
    await server.stop();
    removeFolder(folder);
  });

  it('are written whole, with a rename that replaces, and leave no part behind', async () => {
    const path = join(box, 'a file with "quotes" and äöü');
    await made.files.write(path, 'one');
    await made.files.write(path, Buffer.alloc(3_000_000, 7));
    assert.deepEqual(readFileSync(path), Buffer.alloc(3_000_000, 7));
    await made.files.write(path, '');
    assert.equal(statSync(path).size, 0);
    await made.files.write(join(box, 'other'), 'two');
    await made.files.rename(join(box, 'other'), path);
    assert.equal(readFileSync(path, 'utf8'), 'two');
    assert.deepEqual(
      readdirSync(box).filter((name) => name.endsWith('.part')),
      [],
    );
    await made.files.remove(path);
    await made.files.remove(path);
    assert.equal(existsSync(path), false);
  });

  it('are read from any byte, and what is not there is told as missing', async () => {
    const path = join(box, 'read');
    const bytes = Buffer.from(Array.from({ length: 600_000 }, (_, i) => i % 251));
    writeFileSync(path, bytes);
    assert.deepEqual(Buffer.from(await made.files.read(path, 0, 600_000)), bytes);
    assert.deepEqual(Buffer.from(await made.files.read(path, 599_990, 100)), bytes.subarray(599_990));
    assert.equal((await made.files.read(path, 700_000, 10)).length, 0);
    const pieces: Uint8Array[] = [];
    for await (const piece of made.files.stream(path, 1000)) pieces.push(piece);
    assert.deepEqual(Buffer.concat(pieces), bytes.subarray(1000));
    await assert.rejects(made.files.read(join(box, 'none'), 0, 1), isMissing);
    assert.equal(await made.files.stat(join(box, 'none')), undefined);
    assert.equal(await readSmall(made.files, join(box, 'none'), 10), undefined);
  });

  it('have an id that stays while they grow and changes when another file takes the name', async () => {
    const path = join(box, 'log');
    writeFileSync(path, 'one\n');
    const first = await made.files.stat(path);
    writeFileSync(path, 'two\n', { flag: 'a' });
    const second = await made.files.stat(path);
    assert.deepEqual([second?.size, second?.id], [8, first?.id]);
    writeFileSync(join(box, 'new'), 'other on');
    renameSync(join(box, 'new'), path);
    // As old as the one before to the second, and as long.
    const third = await made.files.stat(path);
    writeFileSync(path, '!', { flag: 'a' });
    const fourth = await made.files.stat(path);
    assert.notEqual(fourth?.id, first?.id);
    assert.equal(third?.size, 8);
  });

  it('that grow for long are told from others without a program for every look', async () => {
    const path = join(box, 'long');
    writeFileSync(path, 'x');
    const first = await made.files.stat(path);
    const grow = async (times: number): Promise<Set<string | undefined>> => {
      const ids = new Set<string | undefined>();
      for (let i = 0; i < times; i++) {
        writeFileSync(path, 'more\n', { flag: 'a' });
        ids.add((await made.files.stat(path))?.id);
      }
      return ids;
    };
    await grow(2);
    const sessions = (): number => server.log.match(/Starting session: command/g)?.length ?? 0;
    const before = sessions();
    assert.ok(before > 0);
    assert.deepEqual(await grow(10), new Set([first?.id]));
    assert.equal(sessions(), before);
    writeFileSync(join(box, 'new'), readFileSync(path));
    renameSync(join(box, 'new'), path);
    const [second, ...others] = await grow(10);
    assert.deepEqual(others, []);
    assert.notEqual(second, first?.id);
  });

  it('folders are made with their parents, and again without an error', async () => {
    const path = join(box, 'a', 'b c', 'd');
    await Promise.all([made.files.makeFolder(path), made.files.makeFolder(path)]);
    await made.files.makeFolder(path);
    assert.ok(statSync(path).isDirectory());
    writeFileSync(join(box, 'file'), '');
    await assert.rejects(made.files.makeFolder(join(box, 'file', 'x')));
  });

  it('what cannot be written is told as a matter of the disk', { skip: nowhereClosed }, async () => {
    if (!isRoot) mkdirSync(join(box, 'closed'), { mode: 0o500 });
    const path = join(isRoot ? systemFolder : join(box, 'closed'), 'autoact');
    await assert.rejects(made.files.write(path, ''), (error) => JobError.is(error, 'disk'));
  });

  it('a full disk is told as that', { skip: !existsSync('/dev/full') && 'there is no /dev/full' }, async () => {
    const content = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(100_000);
    })();
    await assert.rejects(
      made.files.append('/dev/full', 0, content),
      (error) => JobError.is(error, 'disk') && /GB are free/.test(error.message),
    );
  });

  it('a program ends with its code, its outputs, or its signal', async () => {
    const ended = await made.files.exec(['sh', '-c', 'printf out; printf err >&2; exit 3']);
    assert.deepEqual(ended, { code: 3, stdout: 'out', stderr: 'err' });
    assert.equal((await made.files.exec(['sh', '-c', 'kill -9 $$'])).code, null);
    assert.equal((await made.files.exec(['sh', '-c', 'exit 255'])).code, 255);
    assert.equal((await made.files.exec(['cat'])).stdout, '');
    assert.equal((await made.files.exec(['sh', '-c', 'yes | head -c 5000000'])).stdout.length, 1 << 20);
  });

  it('a program that is not there cannot be started', async () => {
    await assert.rejects(
      made.files.exec(['/nonexistent/python', '-V']),
      (error) => JobError.is(error, 'cannot-start') && /no such program\. Install .*--python/.test(error.message),
    );
  });

  it('a program is ended by its time limit and by a signal, and others go on', async () => {
    const mark = join(box, 'late');
    const started = performance.now();
    const [limited] = await Promise.all([
      made.files.exec(['sh', '-c', `sleep 3021; touch ${mark}`], { timeoutMs: 300 }),
      assert.rejects(made.files.exec(['sleep', '3021'], { signal: AbortSignal.timeout(200) })),
      made.files.exec(['sh', '-c', 'sleep 0.6; echo on']).then(({ stdout }) => assert.equal(stdout, 'on\n')),
    ]);
    assert.equal(limited.code, null);
    assert.ok(performance.now() - started < 10_000);
    assert.equal(existsSync(mark), false);
    // Nothing of them is left on the host.
    assert.deepEqual(
      [...processes().values()].filter(({ command }) => command === 'sleep 3021'),
      [],
    );
  });

  it('copies with checksums, skips what is there, and finds a wrong byte', async () => {
    const [from, to, back] = [join(folder, 'local'), join(box, 'copy'), join(folder, 'back')];
    writeFileSync(from, Buffer.from(Array.from({ length: 1_500_000 }, (_, i) => i % 253)));
    const progress: number[] = [];
    const sha256 = await uploadFile(made.files, from, to, { onProgress: ({ done }) => progress.push(done) });
    assert.equal(progress.at(-1), 1_500_000);
    assert.deepEqual(await hashesOnBox(made.files, [to, join(box, 'none')]), [sha256, undefined]);
    const before = statSync(to).ino;
    await uploadFile(made.files, from, to);
    assert.equal(statSync(to).ino, before);
    assert.equal(await downloadFile(made.files, to, back, { sha256 }), sha256);
    assert.deepEqual(readFileSync(back), readFileSync(from));
    await assert.rejects(downloadFile(made.files, to, back, { sha256: '0'.repeat(64) }), /has other bytes/);
    // A part file of an earlier attempt that is not the beginning of this content.
    writeFileSync(`${join(box, 'copy2')}.${sha256.slice(0, 16)}.part`, Buffer.alloc(1000));
    await uploadFile(made.files, from, join(box, 'copy2'));
    assert.deepEqual(readFileSync(join(box, 'copy2')), readFileSync(from));
    writeFileSync(join(folder, 'empty'), '');
    await uploadFile(made.files, join(folder, 'empty'), join(box, 'empty'));
    await downloadFile(made.files, join(box, 'empty'), join(folder, 'empty back'));
    assert.equal(statSync(join(folder, 'empty back')).size, 0);
  });

  it('copies folders as a whole', async () => {
    const from = join(folder, 'tree');
    mkdirSync(join(from, 'inner', 'most'), { recursive: true });
    writeFileSync(join(from, 'a'), 'a');
    writeFileSync(join(from, 'inner', 'most', 'b c'), 'b');
    writeFileSync(join(from, 'inner', 'large'), Buffer.alloc(1_200_000, 5));
    writeFileSync(join(from, 'skip.pyc'), '');
    const to = join(box, 'tree');
    await uploadFolder(made.files, from, to, { filter: (path) => !path.endsWith('.pyc') });
    assert.deepEqual(readdirSync(to, { recursive: true }).map(String).sort(), [
      'a',
      'inner',
      join('inner', 'large'),
      join('inner', 'most'),
      join('inner', 'most', 'b c'),
    ]);
    assert.deepEqual(readFileSync(join(to, 'inner', 'large')), Buffer.alloc(1_200_000, 5));
    assert.equal(existsSync(`${to}.part`), false);
  });

  it('copies go on while keys are exchanged anew, and the host is still the same one', async () => {
    const other = await Sshd.start({
      folder: join(folder, 'server-rekey'),
      keys: [join(folder, 'key')],
      hostKey: server.hostKey,
      config: ['RekeyLimit 500K none', 'LogLevel DEBUG1'],
    });
    const lines = [`IdentityFile ${join(folder, 'key')}`, 'HostKeyAlias rekey'];
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('rekey'), { flag: 'a' });
    const config = writeConfig(folder, [{ alias: 'rekey', port: other.port, lines }], 'config-rekey');
    const again = client({ config, alias: 'rekey', folder });
    try {
      const [from, to, back] = [join(folder, 'rekeyed'), join(box, 'rekeyed'), join(folder, 'rekeyed back')];
      writeFileSync(from, Buffer.from(Array.from({ length: 4_000_000 }, (_, i) => i % 241)));
      await uploadFile(again.files, from, to, { attempts: 1 });
      await downloadFile(again.files, to, back, { attempts: 1 });
      assert.deepEqual(readFileSync(back), readFileSync(from));
      assert.ok((other.log.match(/rekey/gi)?.length ?? 0) > 4, 'no keys were exchanged anew');
      assert.equal(other.log.match(/Accepted publickey/g)?.length, 1);
    } finally {
      again.connection.close();
      await other.stop();
    }
  });

  it('a login shell that runs nothing is told with what it said', async () => {
    const other = await Sshd.start({
      folder: join(folder, 'server-nologin'),
      keys: [join(folder, 'key')],
      hostKey: server.hostKey,
      config: ['ForceCommand echo This account is not available.; exit 1'],
    });
    const lines = [`IdentityFile ${join(folder, 'key')}`, 'HostKeyAlias talkative2'];
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('talkative2'), { flag: 'a' });
    const config = writeConfig(folder, [{ alias: 'nologin', port: other.port, lines }], 'config-nologin');
    const closed = client({ config, alias: 'nologin', folder });
    try {
      await assert.rejects(
        closed.files.exec(['true']),
        (error) => JobError.is(error, 'cannot-start') && error.message.includes('This account is not available.'),
      );
    } finally {
      closed.connection.close();
      await other.stop();
    }
  });
});
