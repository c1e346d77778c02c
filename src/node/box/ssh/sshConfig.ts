import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { parse } from 'ssh-config';
import { SshError } from '../boxErrors.ts';
import type { SshHost, SshSurroundings } from './sshHost.ts';
import { defaultIdentityFiles, HostAlias, toSshHost } from './sshHost.ts';

export interface SshConfigOptions {
  /** Instead of ~/.ssh/config and the system's. */
  readonly configFile?: string;
  /** OpenSSH's client; null: act as on a machine without it. */
  readonly program?: string | null;
  readonly surroundings?: SshSurroundings;
  readonly signal?: AbortSignal;
}

const step = 'ssh configuration';
const maxHops = 8;

/**
 * The hosts that a connection to `alias` goes through, the host itself last. With OpenSSH's client its own reading of
 * the configuration is asked for (Include, Match, patterns); without, ~/.ssh/config is read by a library that knows
 * Host and the common keywords.
 * @throws SshError 'config'
 */
export async function resolveRoute(alias: string, options: SshConfigOptions = {}): Promise<readonly SshHost[]> {
  return resolveHop(alias, { alias }, options, []);
}

interface Hop {
  readonly alias: string;
  readonly user?: string;
  readonly port?: number;
}

async function resolveHop(
  asked: string,
  hop: Hop,
  options: SshConfigOptions,
  behind: readonly string[],
): Promise<readonly SshHost[]> {
  const host = await resolveHost(asked, hop, options);
  const name = `${host.user}@${host.hostname}:${host.port}`;
  if (behind.includes(name) || behind.length >= maxHops)
    throw new SshError(
      'config',
      asked,
      step,
      `its ProxyJump leads back to ${host.alias}, or over more than ${maxHops} hosts. Mend ProxyJump in the ssh configuration.`,
    );
  const [first, ...others] = host.proxyJump.map((text) => parseHop(asked, text));
  if (first === undefined) return [host];
  // As ssh does it: the first host of a chain may have a ProxyJump of its own, the others are reached through it.
  const route = [...(await resolveHop(asked, first, options, [...behind, name]))];
  for (const next of others) route.push(await resolveHost(asked, next, options));
  return [...route, host];
}

async function resolveHost(asked: string, hop: Hop, options: SshConfigOptions): Promise<SshHost> {
  if (!HostAlias.safeParse(hop.alias).success)
    throw new SshError(
      'config',
      asked,
      step,
      `"${hop.alias}" cannot be a host's name. Give a name of ~/.ssh/config or an address.`,
    );
  const at = options.surroundings ?? surroundings();
  const found = (await fromOpenSsh(asked, hop, options)) ?? fromFile(asked, hop, options, at);
  return toSshHost(hop.alias, found, at);
}

/** undefined when OpenSSH's client is not there. */
async function fromOpenSsh(
  asked: string,
  hop: Hop,
  options: SshConfigOptions,
): Promise<ReadonlyMap<string, string[]> | undefined> {
  const program = options.program === undefined ? 'ssh' : options.program;
  if (program === null) return undefined;
  const args = [
    '-G',
    ...(options.configFile === undefined ? [] : ['-F', options.configFile]),
    ...(hop.user === undefined ? [] : ['-l', hop.user]),
    ...(hop.port === undefined ? [] : ['-p', String(hop.port)]),
    '--',
    hop.alias,
  ];
  const text = await new Promise<string | undefined>((resolve, reject) => {
    execFile(
      program,
      args,
      { timeout: 30_000, windowsHide: true, ...(options.signal === undefined ? {} : { signal: options.signal }) },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else if (error.code === 'ENOENT') resolve(undefined);
        else if (options.signal?.aborted === true) reject(new DOMException('aborted', 'AbortError'));
        else
          reject(
            new SshError(
              'config',
              asked,
              step,
              `ssh cannot read it: ${(stderr.trim().split('\n').at(-1) ?? error.message).replace(/\.?$/, '.')} Mend the file; "ssh -G ${hop.alias}" shows the same.`,
              { cause: error },
            ),
          );
      },
    );
  });
  if (text === undefined) return undefined;
  const values = new Map<string, string[]>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(' ');
    if (at > 0) add(values, line.slice(0, at), line.slice(at + 1));
  }
  return values;
}

function fromFile(asked: string, hop: Hop, options: SshConfigOptions, at: SshSurroundings): Map<string, string[]> {
  const file = options.configFile ?? join(at.home, '.ssh', 'config');
  const values = new Map<string, string[]>();
  if (hop.user !== undefined) add(values, 'user', hop.user);
  if (hop.port !== undefined) add(values, 'port', String(hop.port));
  try {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    // Programs that a Match line names are not run: this reading is only for machines without OpenSSH.
    const computed = parse(text).compute(hop.alias, { ignoreCase: true, matchExec: false });
    for (const [name, value] of Object.entries(computed))
      for (const one of [value].flat()) add(values, name.toLowerCase(), one);
  } catch (error) {
    throw new SshError(
      'config',
      asked,
      step,
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}. Mend the file.`,
      { cause: error },
    );
  }
  const ssh = join(at.home, '.ssh');
  if (!values.has('identityfile')) values.set('identityfile', defaultIdentityFiles(at.home).map(quoted));
  if (!values.has('userknownhostsfile'))
    values.set('userknownhostsfile', [join(ssh, 'known_hosts'), join(ssh, 'known_hosts2')].map(quoted));
  if (!values.has('globalknownhostsfile'))
    values.set('globalknownhostsfile', ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']);
  return values;
}

function parseHop(asked: string, text: string): Hop {
  const match =
    /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:]+|[0-9a-f:]*:[0-9a-f:]*:[0-9a-f]*))(?::(\d+))?\/?$/i.exec(text);
  const alias = match?.[2] ?? match?.[3];
  const [user, port] = [match?.[1], match?.[4]];
  if (alias === undefined)
    throw new SshError('config', asked, step, `ProxyJump "${text}" is not of the form [user@]host[:port]. Mend it.`);
  return { alias, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port: Number(port) }) };
}

/** The first value of a keyword counts; IdentityFile and the like collect. */
function add(values: Map<string, string[]>, name: string, value: string): void {
  const found = values.get(name);
  if (found === undefined) values.set(name, [value]);
  else found.push(value);
}

const quoted = (path: string): string => `"${path}"`;

function surroundings(): SshSurroundings {
  let localUser = process.env['USER'] ?? process.env['USERNAME'] ?? '';
  try {
    localUser = userInfo().username;
  } catch {
    // A user without an entry in the system's list, as in some containers.
  }
  return { home: homedir(), localUser, env: process.env, platform: process.platform };
}
