import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BoxError } from '../../src/node/box/boxErrors.ts';
import type { BoxEnvironmentOptions } from '../../src/node/box/boxEnvironment.ts';
import { ensureBoxPython } from '../../src/node/box/boxEnvironment.ts';
import type { Preflight } from '../../src/node/box/preflight.ts';
import { preflight } from '../../src/node/box/preflight.ts';
import { Line, makeKey, processes, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import type { Client } from './support.ts';
import { client, writeConfig } from './support.ts';

const boxFolder = join(import.meta.dirname, '..', '..', 'box');

/** A wheel of one module that says its version. */
const makeWheel = `
import sys, zipfile
folder, name, version, needs = sys.argv[1:5]
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    info = f"{name}-{version}.dist-info"
    def put(path, text): wheel.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
    put(f"{name}.py", f"version = {version!r}\\n" + (f"import {needs}\\n" if needs else ""))
    put(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n" + (f"Requires-Dist: {needs}\\n" if needs else ""))
    put(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    put(f"{info}/RECORD", "")
`;
const noVenv = (): string | false => {
  try {
    execFileSync('python3', ['-c', 'import sys, venv, ensurepip; assert sys.version_info >= (3, 11)'], {
      stdio: 'pipe',
    });
    return false;
  } catch {
    return 'there is no Python 3.11 with venv';
  }
};

describe("a box's Python environment", { skip: withoutSshd || noVenv() }, () => {
  let folder: string;
  let server: Sshd;
  let line: Line;
  let made: Client;
  let found: Preflight;
  let wheels: string;
  const root = (): string => join(folder, 'remote');
  const environments = (): string[] => {
    const at = join(root(), 'environments');
    return existsSync(at) ? readdirSync(at) : [];
  };

  before(async () => {
    folder = sshFolder();
    wheels = join(folder, 'wheels');
    mkdirSync(wheels);
    for (const [name, needs] of [
      ['autoact_tiny', 'autoact_tinier'],
      ['autoact_tinier', ''],
      ['autoact_extra', ''],
    ] as const)
      execFileSync('python3', ['-c', makeWheel, wheels, name, '1.0', needs]);
    const lock = ['autoact_tiny', 'autoact_tinier'].map((name) => {
      const bytes = readFileSync(join(wheels, `${name}-1.0-py3-none-any.whl`));
      return `${name}==1.0 --hash=sha256:${createHash('sha256').update(bytes).digest('hex')}\n`;
    });
    writeFileSync(join(folder, 'lock'), lock.join(''));
    writeFileSync(join(folder, 'extra'), 'autoact_extra==1.0\n');
    const key = makeKey(join(folder, 'key'));
    server = await Sshd.start({
      folder: join(folder, 'server'),
      keys: [key],
      // Nothing may be fetched: what is not in the wheelhouse is not there.
      config: [
        'SetEnv PIP_INDEX_URL=http://127.0.0.1:9/simple PIP_RETRIES=0 PIP_FIND_LINKS= PIP_CONFIG_FILE=/dev/null',
      ],
    });
    line = await Line.to(server.port);
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('box'));
    const lines = [`IdentityFile ${key}`, 'HostKeyAlias box'];
    const config = writeConfig(folder, [{ alias: 'box', port: line.port, lines }]);
    made = client({ config, alias: 'box', folder, keepaliveMs: 1000 });
    const whole = await preflight(made.files, { folder: root() }, { boxFolder });
    // As on a box where no interpreter has the packages.
    const { python: _, ...rest } = whole;
    found = rest;
  });
  after(async () => {
    made.connection.close();
    line.close();
    await server.stop();
    removeFolder(folder);
  });

  const ensure = (options: Partial<BoxEnvironmentOptions> = {}): Promise<string> =>
    ensureBoxPython({ files: made.files, folder: root() }, found, {
      ...{ name: 'gpu', boxFolder, lockFile: join(folder, 'lock'), extraFile: join(folder, 'extra') },
      ...{ wheelhouse: wheels, imports: ['autoact_tiny', 'autoact_extra'], pollMs: 100, retryMs: 20 },
      ...options,
    });

  it('is the interpreter of the user where that one fits', async () => {
    assert.equal(
      await ensureBoxPython(
        { files: made.files, folder: root() },
        { ...found, python: '/own' },
        {
          ...{ name: 'gpu', boxFolder },
        },
      ),
      '/own',
    );
    assert.deepEqual(environments(), []);
  });

  it('is no longer made when whoever waits for it gives up', async () => {
    const stop = new AbortController();
    const making = ensure({
      signal: stop.signal,
      tell: (message) => {
        if (message.includes('making the environment with')) stop.abort();
      },
    });
    await assert.rejects(making, { name: 'AbortError' });
    const [key = ''] = environments();
    const at = join(root(), 'environments', key);
    const running = (): unknown[] => [...processes().values()].filter(({ command }) => command.includes(at));
    const until = performance.now() + 60_000;
    while (running().length > 0 && performance.now() < until) await sleep(100);
    assert.deepEqual(running(), []);
    assert.ok(existsSync(join(at, 'cancel')) && !existsSync(join(at, '.ok')));
  });

  it('that was half made is never used, and made anew', async () => {
    // Killed with all of its processes in the middle, as a box that loses power.
    let killed = false;
    const first = ensure({
      tell: (message) => {
        if (killed || !message.includes('making the environment with')) return;
        killed = true;
        for (const [pid, { command }] of processes())
          if (command.includes(root()) && command.includes('supervisor.py')) process.kill(pid, 'SIGKILL');
      },
    });
    await assert.rejects(
      first,
      (error) => BoxError.is(error, 'no-python') && /gpu.*could not be made/.test(error.message),
    );
    assert.ok(killed);
    const [key = ''] = environments();
    assert.ok(!existsSync(join(root(), 'environments', key, '.ok')));
    const again = await preflight(made.files, { folder: root() }, { boxFolder });
    assert.ok(!(again.report.pythons ?? []).some(({ path }) => path.includes('environments')));

    // Through cuts, by two clients at once: it is made once.
    const cutter = setInterval(() => line.cut(), 2500);
    const [one, two] = await Promise.all([ensure(), ensure()]).finally(() => clearInterval(cutter));
    assert.equal(one, two);
    const said = execFileSync(one, ['-c', 'import autoact_tiny, autoact_extra; print(autoact_tiny.version)'], {
      encoding: 'utf8',
    });
    assert.equal(said, '1.0\n');
    const log = readFileSync(join(root(), 'environments', key, 'log'), 'utf8');
    assert.equal(await ensure(), one);
    assert.equal(readFileSync(join(root(), 'environments', key, 'log'), 'utf8'), log);
    assert.deepEqual(environments(), [key]);
    // From now on the check finds it.
    const later = await preflight(made.files, { folder: root() }, { boxFolder });
    assert.ok((later.report.pythons ?? []).some(({ path }) => path === one));
  });

  it('takes no package that the lock does not name by its hash', async () => {
    const lock = readFileSync(join(folder, 'lock'), 'utf8').replace(/[0-9a-f]{64}/, '0'.repeat(64));
    writeFileSync(join(folder, 'wrong'), lock);
    await assert.rejects(
      ensure({ lockFile: join(folder, 'wrong') }),
      (error) => BoxError.is(error, 'no-python') && /not the one that the lock names/.test(error.message),
    );
  });

  it('says what to do when the box reaches no package index, and when a wheelhouse is empty', async () => {
    const online = ensureBoxPython({ files: made.files, folder: root() }, found, {
      ...{ name: 'gpu', boxFolder, lockFile: join(folder, 'lock'), extraFile: null, imports: ['autoact_tiny'] },
      pollMs: 100,
    });
    await assert.rejects(online, /could not be had.*autoact box prepare NAME --wheelhouse/);
    rmSync(join(folder, 'empty'), { recursive: true, force: true });
    await assert.rejects(ensure({ wheelhouse: join(folder, 'empty') }), /There are no wheels/);
  });

  it('is made by uv where that is there', async () => {
    // uv's two commands, as far as they are used here, by what does the same.
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'uv'),
      `#!/bin/sh
echo "$*" >>${join(folder, 'uv.log')}
if [ "$1" = venv ]; then exec "$3" -m venv "$4"; fi
[ "$1 $2 $3" = "pip install --python" ] || exit 2
python=$4; shift 4
[ "$1" = --require-hashes ] && hashes=--require-hashes && shift
[ "$1" = --offline ] || exit 3
shift
exec "$python" -m pip install $hashes "$@"
`,
      { mode: 0o755 },
    );
    const withUv = await Sshd.start({
      folder: join(folder, 'uv-server'),
      keys: [join(folder, 'key')],
      hostKey: server.hostKey,
      config: [`SetEnv PATH=${bin}:/usr/local/bin:/usr/bin:/bin`],
    });
    const config = writeConfig(
      folder,
      [{ alias: 'uv', port: withUv.port, lines: [`IdentityFile ${join(folder, 'key')}`, 'HostKeyAlias box'] }],
      'uv-config',
    );
    const other = client({ config, alias: 'uv', folder });
    try {
      const python = await ensureBoxPython({ files: other.files, folder: join(folder, 'uv-remote') }, found, {
        ...{ name: 'gpu', boxFolder, lockFile: join(folder, 'lock'), extraFile: join(folder, 'extra') },
        ...{ wheelhouse: wheels, imports: ['autoact_tiny', 'autoact_extra'], pollMs: 100 },
      });
      assert.ok(existsSync(python));
      assert.match(
        readFileSync(join(folder, 'uv.log'), 'utf8'),
        /^venv --python \S+ \S+ --offline\npip install --python \S+ --require-hashes --offline --no-index/,
      );
    } finally {
      other.connection.close();
      await withUv.stop();
    }
  });
});
