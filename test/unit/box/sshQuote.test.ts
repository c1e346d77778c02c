import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import fc from 'fast-check';
import { loginShellCommand, shellQuote } from '../../../src/node/box/ssh/quote.ts';
import { remoteCommand } from '../../../src/node/box/ssh/remoteCommand.ts';

/** What each kind of shell is known to trip over. */
const nasty = [
  '',
  ' ',
  "it's",
  '"quoted"',
  '$HOME `id` $(id) ${x}',
  'back\\slash\\',
  "\\'",
  'a!b !! !$',
  'line\nbreak\n',
  '* ? [a] {b,c} ~ #',
  '; & | < > ( )',
  '%s %b \\n \\0101',
  '-n',
  'äöü € 😀',
  '\t\r\u001b[31m',
  'x'.repeat(5000),
];

const print = ['printf', '%s\\0', ...nasty];

/** Runs a command as sshd does: by the user's login shell, with -c. */
function byShell(shell: string, line: string, input?: string): string {
  const done = spawnSync(shell, ['-c', line], { encoding: 'utf8', ...(input === undefined ? {} : { input }) });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout;
}

const installed = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

/** Of the first, those that are there; what `npm run setup` installs for this is missed aloud. */
const shells = [...['sh', 'dash', 'bash', 'zsh', 'ksh', 'busybox', 'csh'].filter(installed), 'tcsh', 'fish'];
const without = (shell: string) => ({ skip: !installed(shell) && `${shell} is not installed` });

for (const shell of shells)
  it(`every argument arrives through the login shell ${shell}`, without(shell), () => {
    const { line, marker } = remoteCommand(print);
    const out = byShell(shell, line);
    const [head, body] = [out.slice(0, out.indexOf('\n')), out.slice(out.indexOf('\n') + 1)];
    assert.match(head, new RegExp(`^${marker} \\d+$`));
    assert.deepEqual(body.split('\0').slice(0, -1), nasty);
  });

for (const shell of shells)
  it(`the program takes the process of the login shell ${shell}, and its signal is seen`, without(shell), () => {
    const { line, marker } = remoteCommand(['sh', '-c', 'kill -9 $$']);
    const done = spawnSync(shell, ['-c', line], { encoding: 'utf8' });
    assert.equal(done.stdout, `${marker} ${done.pid}\n`);
    assert.deepEqual([done.status, done.signal], [null, 'SIGKILL']);
  });

it('a quoted argument is one word of a POSIX shell, whatever it holds', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && !/[\ud800-\udfff]/.test(text)),
        { minLength: 1, maxLength: 5 },
      ),
      (words) => {
        const out = byShell('/bin/sh', `printf '%s\\0' ${words.map(shellQuote).join(' ')}`);
        assert.deepEqual(out.split('\0').slice(0, -1), words);
      },
    ),
    { numRuns: 40 },
  );
});

it('what travels holds no character that a login shell could read in its own way', () => {
  const line = loginShellCommand(nasty.join(' '));
  const pieces = line.slice(line.indexOf("sh '") + 3);
  assert.match(pieces, /^('[A-Za-z0-9 _.\/:=,@%+\\-]*' ?)+$/);
  for (const piece of pieces.split("' '")) assert.ok(piece.length <= 402);
});

it('a program that is not there is told apart from one that fails, and code 255 can be kept free', () => {
  const missing = remoteCommand(['no-such-program']);
  const done = spawnSync('/bin/sh', ['-c', missing.line], { encoding: 'utf8' });
  assert.equal(done.status, 127);
  assert.ok(done.stderr.includes(missing.missing));
  const { line, marker } = remoteCommand(['sh', '-c', 'cat; exit 255'], { input: true, reserve255: true });
  const ended = spawnSync('/bin/sh', ['-c', line], { encoding: 'utf8', input: 'given' });
  assert.equal(ended.status, 254);
  assert.match(ended.stdout, new RegExp(`^${marker} \\d+\ngiven$`));
});

it('a NUL, no program and an endless command are refused here', () => {
  assert.throws(() => shellQuote('a\0b'), RangeError);
  assert.throws(() => remoteCommand([]), RangeError);
  assert.throws(() => remoteCommand(['echo', '!'.repeat(100_000)]), RangeError);
});
