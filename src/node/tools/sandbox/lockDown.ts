import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import dnsPromises from 'node:dns/promises';
import fs from 'node:fs';
import net from 'node:net';
import { syncBuiltinESMExports } from 'node:module';

/**
 * What the sandbox's process gives up before it sees a line of anybody's code. Files, further processes, threads and
 * native code are refused by Node's permission model, which the process is started with; Node 24 has no permission for
 * the network, so its ways out are taken away here. With code from strings switched off as well
 * (--disallow-code-generation-from-strings), what reaches an object of JavaScript finds nothing of use behind it.
 */

const refuse = (what: string) => (): never => {
  throw new Error(`${what} is not allowed in the sandbox`);
};

/** @throws Error when this process was started without the permission model: then nothing is run at all */
export function requirePermissions(): void {
  // Absent where the permission model is off, whatever the types say.
  const permission = process.permission as NodeJS.ProcessPermission | undefined;
  if (permission === undefined || permission.has('child') || permission.has('fs.write') || permission.has('worker'))
    throw new Error('The sandbox was started without its restrictions.');
}

export function closeNetwork(): void {
  const network = refuse('The network');
  replace(net.Socket.prototype, ['connect'], network);
  replace(net.Server.prototype, ['listen'], network);
  replace(dgram.Socket.prototype, ['bind', 'connect', 'send', 'addMembership'], network);
  for (const part of [dns, dns.promises, dnsPromises, dns.Resolver.prototype, dns.promises.Resolver.prototype])
    replace(
      part,
      Object.getOwnPropertyNames(part).filter((name) => /^(?:lookup|resolve|reverse|setServers)/.test(name)),
      network,
    );
  replace(net, ['connect', 'createConnection', 'createServer'], network);
  replace(
    childProcess,
    ['spawn', 'fork', 'exec', 'execFile', 'spawnSync', 'execSync', 'execFileSync'],
    refuse('A process'),
  );
  syncBuiltinESMExports();
  for (const name of ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest', 'Worker', 'BroadcastChannel'])
    Reflect.deleteProperty(globalThis, name);
}

/** Pyodide asks Node for its file constants in a way that the permission model refuses; it gets them and nothing else. */

export function answerForConstants(): void {
  // Replaced once more by closeProcess, when Pyodide is loaded.
  (process as unknown as { binding: (name: string) => object }).binding = (name) => {
    if (name === 'constants') return { fs: { ...fs.constants } };
    throw new Error('Bindings are not allowed in the sandbox');
  };
}

export function closeProcess(): void {
  const names = [
    'binding',
    '_linkedBinding',
    'dlopen',
    'getBuiltinModule',
    'kill',
    '_kill',
    'abort',
    'chdir',
    'setuid',
    'setgid',
  ];
  replace(process, names, refuse('This'));
  define(process, 'mainModule', undefined);
}

function replace(target: object, names: readonly string[], value: () => never): void {
  for (const name of names) if (Reflect.has(target, name)) define(target, name, value);
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: false, configurable: false, enumerable: true });
}
