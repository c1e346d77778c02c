import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** One line of a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
export interface KnownHost {
  readonly marker?: 'revoked' | 'cert-authority';
  /** Names and patterns as written, or one hashed name. */
  readonly hosts: readonly string[];
  readonly keyType: string;
  readonly key: Uint8Array;
}

export type HostKeyState = 'known' | 'unknown' | 'changed' | 'revoked';

/** Lines that make no sense are left out, as ssh does it. */
export function parseKnownHosts(text: string): KnownHost[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const fields = line.trim().split(/[ \t]+/);
    if (fields[0] === '' || fields[0]?.startsWith('#') === true) return [];
    const marker = fields[0]?.startsWith('@') === true ? fields.shift()?.slice(1) : undefined;
    if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') return [];
    const [hosts, keyType, base64] = fields;
    if (hosts === undefined || keyType === undefined || base64 === undefined) return [];
    const key = Buffer.from(base64, 'base64');
    if (keyTypeOf(key) !== keyType) return [];
    return [{ ...(marker === undefined ? {} : { marker }), hosts: hosts.split(','), keyType, key }];
  });
}

/** A key is kept under its host's name, with the port where it is not 22. */
export function knownHostName(host: { hostname: string; port: number; hostKeyAlias?: string }): string {
  if (host.hostKeyAlias !== undefined) return host.hostKeyAlias.toLowerCase();
  const name = host.hostname.toLowerCase();
  return host.port === 22 ? name : `[${name}]:${host.port}`;
}

/**
 * How a key that a host showed compares with the known ones. A host with known keys that shows one of a type that is
 * not known has changed: else whoever sits between could show a key of a type that nobody kept.
 */
export function stateOfKey(entries: readonly KnownHost[], name: string, key: Uint8Array): HostKeyState {
  const mine = entries.filter((entry) => matches(entry.hosts, name));
  const equal = (entry: KnownHost): boolean => sameBytes(entry.key, key);
  if (mine.some((entry) => entry.marker === 'revoked' && equal(entry))) return 'revoked';
  const plain = mine.filter((entry) => entry.marker === undefined);
  if (plain.some(equal)) return 'known';
  // As ssh does it: an entry without a port vouches for the host on any port, and never speaks against it.
  const bare = /^\[(.+)\]:\d+$/.exec(name)?.[1];
  if (plain.length === 0 && bare !== undefined) {
    const state = stateOfKey(entries, bare, key);
    return state === 'changed' ? 'unknown' : state;
  }
  return plain.length > 0 ? 'changed' : 'unknown';
}

/** Types of the keys that are known of a host, to be asked for first: one that is not kept would look like a change. */
export function knownKeyTypes(entries: readonly KnownHost[], name: string): string[] {
  const of = (host: string): string[] =>
    entries.filter((entry) => entry.marker === undefined && matches(entry.hosts, host)).map((entry) => entry.keyType);
  const found = of(name);
  const bare = /^\[(.+)\]:\d+$/.exec(name)?.[1];
  return [...new Set(found.length === 0 && bare !== undefined ? of(bare) : found)];
}

export function knownHostLine(name: string, key: Uint8Array): string {
  return `${name} ${keyTypeOf(key)} ${Buffer.from(key).toString('base64')}\n`;
}

/** As `ssh-keygen -l` prints it. */
export function fingerprint(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a key in SSH's wire format names itself; '' when it is none. */
export function keyTypeOf(key: Uint8Array): string {
  const bytes = Buffer.from(key);
  if (bytes.length < 4) return '';
  const length = bytes.readUInt32BE(0);
  return length > 64 || bytes.length < 4 + length ? '' : bytes.toString('latin1', 4, 4 + length);
}

function matches(hosts: readonly string[], name: string): boolean {
  let found = false;
  for (const host of hosts) {
    if (host.startsWith('|')) {
      if (isHashOf(host, name)) found = true;
    } else if (host.startsWith('!')) {
      if (pattern(host.slice(1)).test(name)) return false;
    } else if (pattern(host).test(name)) found = true;
  }
  return found;
}

/** `|1|salt|HMAC-SHA1(salt, name)` */
function isHashOf(host: string, name: string): boolean {
  const [, version, salt, hash] = host.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  return sameBytes(createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest(), Buffer.from(hash, 'base64'));
}

function pattern(text: string): RegExp {
  const source = text
    .toLowerCase()
    .replace(/[^a-z0-9*?]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i');
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
