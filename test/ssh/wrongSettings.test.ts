import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { resolveSettings } from '../../src/core/pipeline/settings.ts';
import { JobError } from '../../src/node/box/boxErrors.ts';
import type { BoxInput } from '../../src/node/box/boxes.ts';
import { addBox, findBox } from '../../src/node/box/boxes.ts';
import { BoxTrainer } from '../../src/node/box/boxTrainer.ts';
import { openBox } from '../../src/node/box/openBox.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { scoringEngine } from '../doubles/scoringEngine.ts';
import { buildCli } from '../harness/cliProgram.ts';
import { makeKey, processes, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import { nobodysName, withoutNames, writeConfig } from './support.ts';

interface Ended {
  readonly code: number;
  readonly lines: readonly Record<string, unknown>[];
}

/** What the user told wrongly of a box -> one message with host, step and remedy, by the real command line. */
describe('a wrong setting of a box', { skip: withoutSshd }, () => {
  let folder: string;
  let server: Sshd;
  let program: string;
  let settings: string;
  let config: string;

  const cli = (...args: string[]): Promise<Ended> =>
    new Promise((done) => {
      // Behind two dashes stands the user's own command.
      const own = args.includes('--') ? args.indexOf('--') : args.length;
      const child = execFile(
        process.execPath,
        [program, ...args.slice(0, own), '--json', ...args.slice(own)],
        { cwd: folder, env: { ...process.env, XDG_CONFIG_HOME: settings } },
        (_, stdout) => {
          const lines = stdout.split('\n').filter((line) => line !== '');
          // Each of them is JSON, whatever went wrong.
          done({ code: child.exitCode ?? -1, lines: lines.map((line) => JSON.parse(line) as never) });
        },
      );
    });
  const box = (name: string, more: Partial<BoxInput> = {}): void => {
    const given = { name, host: 'box', sshConfig: config, folder: join(folder, 'remote'), python: 'python3', ...more };
    addBox(given, join(settings, 'autoact'));
  };
  /** The one message; what an internal error is, is nobody's setting. */
  const told = async (code: number, said: RegExp, ...args: string[]): Promise<void> => {
    const { code: ended, lines } = await cli(...args);
    const errors = lines.filter(({ type }) => type === 'error');
    const what = JSON.stringify(lines);
    assert.equal(errors.length, 1, what);
    assert.match(String(errors[0]?.['message']), said);
    assert.notEqual(errors[0]?.['reason'], 'internal', what);
    assert.equal(ended, code, what);
  };

  before(async () => {
    folder = sshFolder();
    settings = join(folder, 'settings');
    program = await buildCli(join(folder, 'product'));
    const key = makeKey(join(folder, 'key'));
    const other = makeKey(join(folder, 'other'));
    server = await Sshd.start({ folder: join(folder, 'server'), keys: [key] });
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('box'));
    const host = (alias: string, ...lines: string[]) => ({
      ...{ alias, port: server.port },
      lines: [...lines, 'HostKeyAlias box', `IdentityFile ${key}`],
    });
    config = writeConfig(folder, [
      host('box'),
      { ...host('closed'), port: 1 },
      host('somebody', 'User nobody-of-that-name'),
      host('foreign', 'HostKeyAlias stranger'),
      { alias: 'keyless', port: server.port, lines: ['HostKeyAlias box', `IdentityFile ${join(folder, 'absent')}`] },
      { alias: 'locked-out', port: server.port, lines: ['HostKeyAlias box', `IdentityFile ${other}`] },
      host('behind', 'ProxyJump closed'),
      host('unnamed', `ProxyJump ${nobodysName}`),
    ]);
    mkdirSync(settings);
    box('box');
  });
  after(async () => {
    await server.stop();
    removeFolder(folder);
  });

  it('of the way there or of who logs in', async () => {
    for (const [host, said] of [
      [
        'closed',
        /^closed \(connecting to 127\.0\.0\.1 port 1\): the connection was refused\. Check that the host is up/,
      ],
      ['behind', /^closed \(connecting .*refused\. Check .* on the way to behind\.$/],
      ['somebody', /^somebody \(authentication\): the host lets nobody-of-that-name in by publickey; .*check the user/],
      ['keyless', /^keyless \(authentication\): .*IdentityFile .*absent is not there.*Add a key/],
      ['locked-out', /^locked-out \(authentication\): .*Add a key to your agent or to IdentityFile/],
      ['foreign', /^foreign \(host key check\): .*SHA256:.* is not known.*Compare the fingerprint/],
      ['no-such-alias-°', /a host is a name of ~\/\.ssh\/config or an address/],
    ] as const) {
      if (host.includes('°')) {
        await told(3, said, 'box', 'add', 'wrong', host);
        continue;
      }
      box('wrong', { host });
      await told(5, said, 'box', 'check', 'wrong');
    }
  });

  it('of the way there, by OpenSSH’s own client', async () => {
    for (const [host, said] of [
      ['closed', /^closed \(connection\): ssh says ".*Connection refused.*"\. Check that the host is up/],
      ['locked-out', /^locked-out \(authentication\): ssh says ".*Permission denied.*must work without a question/],
      ['foreign', /^foreign \(host key check\): .*Connect once with "ssh foreign"/],
    ] as const) {
      box('wrong', { host, transport: 'system-ssh' });
      await told(5, said, 'box', 'check', 'wrong');
    }
  });

  it('of a name that nobody has, is told without waiting for it', { skip: withoutNames }, async () => {
    box('wrong', { host: 'unnamed' });
    const said = /^no-such-host\.invalid \(connecting .*cannot be resolved\. Check .* on the way to unnamed\.$/;
    await told(5, said, 'serve', '--box', 'wrong', '--job', 'any');
    box('wrong', { host: 'unnamed', transport: 'system-ssh' });
    await told(5, /^unnamed \(connection\): ssh says .*Check/, 'box', 'check', 'wrong');
  });

  it('of its interpreter', async () => {
    box('wrong', { python: '/nowhere/python' });
    await told(
      5,
      /^\/nowhere\/python cannot be run on box: there is no such program.*--python/,
      'box',
      'check',
      'wrong',
    );
    box('wrong', { python: '/bin/ls' });
    await told(5, /^box \(preflight check\): \/bin\/ls gave no report .*--python PATH$/, 'box', 'check', 'wrong');
  });

  it('of its folder', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    box('wrong', { folder: file });
    const said = /^Box "wrong" \(preflight check\): Disk: .*file cannot be written\. .*--folder PATH/;
    await told(5, said, 'serve', '--box', 'wrong', '--model', `box:${folder}`);
    for (const transport of ['ssh', 'system-ssh'] as const) {
      box('wrong', { folder: file, transport });
      const { code, lines } = await cli('jobs', 'list', '--box', 'wrong');
      assert.equal(code, 7);
      assert.match(String(lines[0]?.['problem']), /on box.*(--folder PATH|Check the box's folder)/);
    }
  });

  it('of its queue, before anything is copied there', async () => {
    const remote = join(folder, 'untouched');
    box('wrong', { folder: remote, slurm: { partition: 'gpu' } });
    const said = /^Box "wrong" \(preflight check\): Slurm: sbatch is not there\. Choose the cluster's login node/;
    await told(5, said, 'serve', '--box', 'wrong', '--model', `box:${folder}`);
    const base = join(folder, 'base');
    mkdirSync(base);
    writeFileSync(join(base, 'config.json'), '{}');
    const scoring = await scoringEngine();
    const ports = {
      askSecret: () => Promise.resolve(undefined),
      acceptHostKey: () => Promise.resolve(false),
      secrets: memorySecrets(),
    };
    const trainer = new BoxTrainer({
      root: join(folder, 'product'),
      engine: scoring.engine,
      folder: join(folder, 'run'),
      run: 'run',
      baseFolder: base,
      boxes: {
        find: (name) => findBox(name, join(settings, 'autoact')),
        open: (one) => Promise.resolve(openBox(one, { ports, configFolder: settings })),
      },
      notify: () => undefined,
    });
    const { training } = resolveSettings({ training: { box: 'wrong' } });
    await assert.rejects(
      trainer.train({ plan: [] }, training, 1, () => undefined, AbortSignal.timeout(60_000)),
      (error) => JobError.is(error, 'cannot-start') && said.test(error.message),
    );
    scoring.close();
    assert.equal(existsSync(remote), false);
  });

  it('of what is to be served from it, with nothing left behind', async () => {
    const from = ['serve', '--box', 'box'];
    await told(
      3,
      /^Box "box" has no job "none" \(looked for in .*\/jobs\)\. .*autoact jobs list --box box$/,
      ...from,
      '--job',
      'none',
    );
    await told(
      3,
      /^There is no box "nobody"\. Known: local, .*autoact box add/,
      'serve',
      '--box',
      'nobody',
      '--job',
      'none',
    );
    await told(2, /^--job is of a server on a box: name the box with --box/, 'serve', '--job', 'none');
    await told(
      5,
      /no model in Hugging Face form at \/nowhere there .*--model box:\/PATH/,
      ...from,
      '--model',
      'box:/nowhere',
    );
    const base = join(folder, 'served');
    mkdirSync(base);
    writeFileSync(join(base, 'config.json'), '{}');
    const own = [...from, '--model', `box:${base}`, '--server', 'command', '--'];
    await told(5, /has no \{port\}/, ...own, '/bin/false');
    const ends = ['/bin/sh', '-c', 'echo too little memory; exit 3', '{port}'];
    await told(
      5,
      /^The server box\/serve-\w+ in .* has ended \(exit code 3\); the end of its log: too little memory\n.*autoact jobs show box\/serve-\w+ --log$/,
      ...own,
      ...ends,
    );
    await told(
      5,
      /has ended \(exit code 127\).*\/nowhere\/server cannot be started: No such file.*jobs show/s,
      ...own,
      '/nowhere/server',
      '{port}',
    );
    const left = [...processes().values()].filter(({ command }) => command.includes(join(folder, 'remote')));
    assert.deepEqual(left, []);
    assert.deepEqual(
      readdirSync(join(folder, 'remote')).filter((name) => name.endsWith('.part')),
      [],
    );
  });

  it('that `box add` can see itself', async () => {
    await told(
      2,
      /^There is no file .*absent-config\. --ssh-config/,
      'box',
      'add',
      'new',
      'box',
      '--ssh-config',
      'absent-config',
    );
    await told(3, /slurm\.nodes: is a whole number/, 'box', 'add', 'new', 'box', '--nodes', 'two');
    await told(3, /folder: a folder begins with/, 'box', 'add', 'new', 'box', '--folder', 'relative');
    await told(3, /There is no box "new"/, 'box', 'check', 'new');
  });
});
