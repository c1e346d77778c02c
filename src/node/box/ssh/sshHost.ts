import { join } from 'node:path';
import * as z from 'zod';

/** One host of a route, with everything that a connection to it takes. */
export interface SshHost {
  /** How the user calls it. */
  readonly alias: string;
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
  /** Offer no other key of the agent than those of `identityFiles`. */
  readonly identitiesOnly: boolean;
  /** Socket of the agent. */
  readonly agent?: string;
  /** As written: `[user@]host[:port]`. */
  readonly proxyJump: readonly string[];
  readonly proxyCommand?: string;
  /** The user's and the system's. They are read and never written. */
  readonly knownHostsFiles: readonly string[];
  readonly hostKeyAlias?: string;
  /** An unknown key is refused without asking. */
  readonly strict: boolean;
  readonly connectTimeoutMs: number;
}

/** What a configuration leaves open. */
export interface SshSurroundings {
  readonly home: string;
  readonly localUser: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/** A name that can stand on ssh's command line: no option, no blank, nothing that a shell would take for more. */
export const HostAlias = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9_[][A-Za-z0-9_.:@%+\-[\]]*$/, 'a host is a name of ~/.ssh/config or an address, without blanks');

const defaultConnectTimeoutMs = 20_000;

/**
 * @param options keyword in lower case -> its values, in order: what `ssh -G` prints, or what the fallback computes
 */
export function toSshHost(
  alias: string,
  options: ReadonlyMap<string, readonly string[]>,
  at: SshSurroundings,
): SshHost {
  const one = (name: string): string | undefined => {
    const value = options.get(name)?.[0];
    return value === undefined || value === 'none' || value === '' ? undefined : value;
  };
  const hostname = one('hostname') ?? alias;
  const port = Number(one('port') ?? 22);
  const user = one('user') ?? at.localUser;
  const hostKeyAlias = one('hostkeyalias');
  const tokens: Readonly<Record<string, string>> = {
    '%': '%',
    d: at.home,
    h: hostname,
    k: hostKeyAlias ?? alias,
    n: alias,
    p: String(port),
    r: user,
    u: at.localUser,
  };
  const path = (value: string): string =>
    value
      .replace(/^~(?=$|[\\/])/, () => at.home)
      .replace(/%([%dhknpru])/g, (_, token: string) => tokens[token] ?? '')
      .replace(/\$\{(\w+)\}/g, (_, name: string) => at.env[name] ?? '');
  const paths = (name: string): string[] =>
    (options.get(name) ?? [])
      .flatMap(words)
      .filter((file) => file !== 'none')
      .map(path);
  const agent = agentSocket(options.get('identityagent')?.[0], at, path);
  const proxyCommand = one('proxycommand');
  const timeout = Number(one('connecttimeout'));
  return {
    alias,
    hostname,
    port,
    user,
    // One a line, which ssh -G prints without quotes: a blank is part of the path.
    identityFiles: (options.get('identityfile') ?? [])
      .map((value) => value.replace(/^"(.*)"$/, '$1'))
      .filter((file) => file !== 'none')
      .map(path),
    identitiesOnly: isYes(one('identitiesonly')),
    ...(agent === undefined ? {} : { agent }),
    proxyJump: (one('proxyjump') ?? '').split(',').filter((hop) => hop !== ''),
    ...(proxyCommand === undefined ? {} : { proxyCommand }),
    knownHostsFiles: [...paths('userknownhostsfile'), ...paths('globalknownhostsfile')],
    ...(hostKeyAlias === undefined ? {} : { hostKeyAlias }),
    // ssh -G prints true and false where the file has yes and no.
    strict: isYes(one('stricthostkeychecking')),
    connectTimeoutMs: timeout > 0 ? timeout * 1000 : defaultConnectTimeoutMs,
  };
}

/** Names that OpenSSH looks for keys in when the configuration names none. */
export function defaultIdentityFiles(home: string): string[] {
  return ['id_rsa', 'id_ecdsa', 'id_ed25519'].map((name) => join(home, '.ssh', name));
}

function agentSocket(
  configured: string | undefined,
  at: SshSurroundings,
  path: (value: string) => string,
): string | undefined {
  if (configured === 'none') return undefined;
  if (configured !== undefined && configured !== 'SSH_AUTH_SOCK')
    return configured.startsWith('$') && !configured.startsWith('${') ? at.env[configured.slice(1)] : path(configured);
  const socket = at.env['SSH_AUTH_SOCK'];
  if (socket !== undefined && socket !== '') return socket;
  return at.platform === 'win32' ? '\\\\.\\pipe\\openssh-ssh-agent' : undefined;
}

const isYes = (value: string | undefined): boolean => value === 'yes' || value === 'true';

/** Splits at blanks outside double quotes. */
function words(value: string): string[] {
  return [...value.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}
