import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';
import ssh2 from 'ssh2';

/** A key of which the public half is at hand; the private half may still want a passphrase. */
export interface KeyFile {
  readonly path: string;
  /** undefined: encrypted in the old PEM format and without a .pub file, so that nothing can be told before. */
  readonly publicKey?: ParsedKey;
  /** undefined: the file holds only a public key, whose private half an agent has. */
  readonly text?: string;
  readonly encrypted: boolean;
}

/** undefined when there is no such file, or no key of a kind that we can use in it. */
export async function readKeyFile(path: string): Promise<KeyFile | undefined> {
  if (!existsSync(path)) return undefined;
  const text = await readFile(path, 'utf8');
  const whole = parseKey(text);
  if (whole !== undefined && !whole.isPrivateKey()) return { path, publicKey: whole, encrypted: false };
  if (whole !== undefined) return { path, publicKey: whole, text, encrypted: false };
  if (!isEncrypted(text)) return undefined;
  const beside = existsSync(`${path}.pub`) ? parseKey(await readFile(`${path}.pub`, 'utf8')) : publicHalf(text);
  return { path, text, encrypted: true, ...(beside === undefined ? {} : { publicKey: beside }) };
}

/** Whether a key of ours lies open to other users of this machine, by the same rule as OpenSSH's. Windows has no such modes. */
export async function liesOpen(path: string): Promise<boolean> {
  const { uid, mode } = await stat(path);
  return process.getuid?.() === uid && (mode & 0o077) !== 0;
}

/** The private half; undefined when the passphrase is wrong. */
export function unlock(file: KeyFile, passphrase?: string): ParsedKey | undefined {
  const key = file.text === undefined ? undefined : parseKey(file.text, passphrase);
  return key?.isPrivateKey() === true ? key : undefined;
}

export function parseKey(data: string | Buffer, passphrase?: string): ParsedKey | undefined {
  const parsed: unknown = ssh2.utils.parseKey(data, passphrase);
  const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  return key === undefined || key instanceof Error ? undefined : (key as ParsedKey);
}

const opensshHead = Buffer.from('openssh-key-v1\0');

function isEncrypted(text: string): boolean {
  if (/^Proc-Type: 4,ENCRYPTED/m.test(text) || /^Encryption: (?!none)/m.test(text)) return true;
  const [cipher] = opensshFields(text);
  return cipher !== undefined && cipher.toString('latin1') !== 'none';
}

/** OpenSSH's format keeps the public half in the clear. */
function publicHalf(text: string): ParsedKey | undefined {
  const blob = opensshFields(text)[3];
  if (blob === undefined || blob.length < 4) return undefined;
  const type = blob.toString('latin1', 4, 4 + blob.readUInt32BE(0));
  return parseKey(`${type} ${blob.toString('base64')}`);
}

/** Cipher, key derivation, its options, and the first public key. */
function opensshFields(text: string): Buffer[] {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(text)?.[1];
  if (body === undefined) return [];
  const bytes = Buffer.from(body, 'base64');
  if (!bytes.subarray(0, opensshHead.length).equals(opensshHead)) return [];
  const fields: Buffer[] = [];
  let at = opensshHead.length;
  for (let i = 0; i < 4 && at + 4 <= bytes.length; i++) {
    if (i === 3) at += 4; // the number of keys
    const length = bytes.readUInt32BE(at);
    fields.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return fields;
}
