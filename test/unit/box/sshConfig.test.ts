import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  fingerprint,
  knownHostLine,
  knownHostName,
  knownKeyTypes,
  parseKnownHosts,
  stateOfKey,
} from '../../../src/node/box/ssh/knownHosts.ts';
import type { SshSurroundings } from '../../../src/node/box/ssh/sshHost.ts';
import { HostAlias, toSshHost } from '../../../src/node/box/ssh/sshHost.ts';

const at: SshSurroundings = {
  home: '/home/me',
  localUser: 'me',
  env: { SSH_AUTH_SOCK: '/run/agent', OTHER: '/run/other' },
  platform: 'linux',
};
const host = (options: Record<string, string | string[]>): ReturnType<typeof toSshHost> =>
  toSshHost('gpu', new Map(Object.entries(options).map(([name, value]) => [name, [value].flat()])), at);

/** A key in SSH's wire format: its type, and bytes that only differ. */
function key(type: string, content: string): Uint8Array {
  const parts = [type, content].map((text) => Buffer.from(text));
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

const [ed, ed2, rsa] = [key('ssh-ed25519', 'one'), key('ssh-ed25519', 'two'), key('ssh-rsa', 'three')];

it('a host is resolved with its defaults', () => {
  const { identityFiles, knownHostsFiles, proxyJump, ...rest } = host({});
  assert.deepEqual(rest, {
    alias: 'gpu',
    hostname: 'gpu',
    port: 22,
    user: 'me',
    identitiesOnly: false,
    agent: '/run/agent',
    strict: false,
    connectTimeoutMs: 20_000,
  });
  assert.deepEqual([identityFiles, knownHostsFiles, proxyJump], [[], [], []]);
});

it('paths are those that ssh would open: ~, tokens, variables and quotes', () => {
  const found = host({
    hostname: '10.0.0.7',
    user: 'you',
    identityfile: ['~/.ssh/id_%h', '"/keys/with blank"', '${OTHER}/%r-%p', 'none'],
    userknownhostsfile: '/home/me/.ssh/known_hosts "/home/me/a b"',
    globalknownhostsfile: '/etc/ssh/ssh_known_hosts',
    connecttimeout: '3',
    stricthostkeychecking: 'true',
    proxyjump: 'a,b@c:2200',
  });
  assert.deepEqual(found.identityFiles, ['/home/me/.ssh/id_10.0.0.7', '/keys/with blank', '/run/other/you-22']);
  assert.deepEqual(found.knownHostsFiles, ['/home/me/.ssh/known_hosts', '/home/me/a b', '/etc/ssh/ssh_known_hosts']);
  assert.deepEqual([found.connectTimeoutMs, found.strict, found.proxyJump], [3000, true, ['a', 'b@c:2200']]);
});

it('the agent is the configured one, none, or the one of the environment', () => {
  assert.equal(host({ identityagent: 'none' }).agent, undefined);
  assert.equal(host({ identityagent: 'SSH_AUTH_SOCK' }).agent, '/run/agent');
  assert.equal(host({ identityagent: '$OTHER' }).agent, '/run/other');
  assert.equal(host({ identityagent: '~/agent' }).agent, '/home/me/agent');
  assert.equal(toSshHost('gpu', new Map(), { ...at, env: {} }).agent, undefined);
  assert.match(toSshHost('gpu', new Map(), { ...at, env: {}, platform: 'win32' }).agent ?? '', /openssh-ssh-agent/);
});

it('an alias is a name and never an option or more words', () => {
  for (const good of ['gpu', 'me@gpu.example.org', '10.0.0.1', '[::1]', 'a_b-c'])
    assert.ok(HostAlias.safeParse(good).success);
  for (const bad of ['', '-oProxyCommand=x', 'a b', 'a;b', '$(x)', 'a\nb'])
    assert.ok(!HostAlias.safeParse(bad).success);
});

const lines = (...entries: [string, Uint8Array][]): string =>
  entries.map(([name, bytes]) => knownHostLine(name, bytes)).join('');
const state = (text: string, name: string, bytes: Uint8Array): string => stateOfKey(parseKnownHosts(text), name, bytes);

it('a key is known, unknown, changed or revoked', () => {
  const text = lines(['gpu', ed]);
  assert.equal(state(text, 'gpu', ed), 'known');
  assert.equal(state(text, 'gpu', ed2), 'changed');
  assert.equal(state(text, 'gpu', rsa), 'changed');
  assert.equal(state(text, 'other', ed), 'unknown');
  assert.equal(state(`${text}@revoked ${knownHostLine('*', ed)}`, 'gpu', ed), 'revoked');
  assert.equal(state(`@cert-authority ${knownHostLine('*', ed)}`, 'gpu', ed), 'unknown');
  assert.equal(state(lines(['gpu', ed], ['gpu', ed2]), 'gpu', ed2), 'known');
});

it('names: port, case, patterns, negation, an alias', () => {
  assert.equal(knownHostName({ hostname: 'GPU', port: 22 }), 'gpu');
  assert.equal(knownHostName({ hostname: 'gpu', port: 2222 }), '[gpu]:2222');
  assert.equal(knownHostName({ hostname: 'gpu', port: 2222, hostKeyAlias: 'Farm' }), 'farm');
  assert.equal(state(lines(['*.example.org,!bad.example.org', ed]), 'good.example.org', ed), 'known');
  assert.equal(state(lines(['*.example.org,!bad.example.org', ed]), 'bad.example.org', ed), 'unknown');
  assert.equal(state(lines(['10.0.0.?', ed]), '10.0.0.12', ed), 'unknown');
});

it('an entry without a port vouches for other ports, and does not speak against them', () => {
  const text = lines(['gpu', ed]);
  assert.equal(state(text, '[gpu]:2222', ed), 'known');
  assert.equal(state(text, '[gpu]:2222', ed2), 'unknown');
  assert.equal(state(`@revoked ${knownHostLine('gpu', ed)}`, '[gpu]:2222', ed), 'revoked');
  assert.equal(state(lines(['gpu', ed], ['[gpu]:2222', ed2]), '[gpu]:2222', ed), 'changed');
  assert.deepEqual(knownKeyTypes(parseKnownHosts(text), '[gpu]:2222'), ['ssh-ed25519']);
});

it('lines that make no sense are left out', () => {
  const text = `# comment\n\ngpu\ngpu ssh-rsa ${Buffer.from(ed).toString('base64')}\n@unknown ${knownHostLine('gpu', ed)}|1|x gpu\n`;
  assert.deepEqual(parseKnownHosts(text), []);
});

it("a fingerprint is written as OpenSSH's tools write it", () => {
  assert.match(fingerprint(ed), /^SHA256:[A-Za-z0-9+/]{43}$/);
});
