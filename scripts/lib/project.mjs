// What every script shares: where things are, which environment children get, how a command is run.
// Node 20 built-ins only: this runs before any package is installed.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const cacheDir = join(root, '.cache');
export const inRoot = (...parts) => join(root, ...parts);
export const onWindows = process.platform === 'win32';

/** A failure whose message is for the person at the terminal: it says what to do next, and no stack is printed. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** The Node 24 that the npm package `node` carries. VS Code's server and type stripping both need it. */
export const node24 = inRoot('node_modules', 'node', 'bin', onWindows ? 'node.exe' : 'node');

function writable(folder) {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

let homeWritable;

/**
 * Environment for child processes. With `system: true` this project's own `node` is taken off the PATH: npm must not
 * run on a binary that it is about to replace.
 */
export function childEnv({ system = false, extra = {} } = {}) {
  const env = { ...process.env };
  const own = inRoot('node_modules', '.bin');
  const path = (env.PATH ?? '').split(delimiter).filter((entry) => entry !== '' && entry !== own);
  env.PATH = (system ? path.filter((entry) => !entry.endsWith(join('node_modules', '.bin'))) : [own, ...path]).join(
    delimiter,
  );
  // npm hands its own settings to scripts as npm_*; a nested npm must read the configuration afresh.
  for (const key of Object.keys(env))
    if (/^npm_(?!config_(userconfig|cache|registry|cafile))/i.test(key)) delete env[key];
  homeWritable ??= writable(homedir());
  if (!homeWritable) {
    const home = join(cacheDir, 'home');
    mkdirSync(home, { recursive: true });
    Object.assign(env, { HOME: home, npm_config_cache: join(cacheDir, 'npm'), PIP_CACHE_DIR: join(cacheDir, 'pip') });
  }
  return { ...env, ...extra };
}

/** Runs a command with our output streams. Resolves with its exit status (a signal counts as 1). */
export function run(command, args, { cwd = root, env = childEnv(), stdio = 'inherit' } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio, shell: onWindows && !command.endsWith('.exe') });
    child.on('error', (error) =>
      reject(error.code === 'ENOENT' ? new SetupError(`${command} was not found on the PATH; install it.`) : error),
    );
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/**
 * As `run`, but what the command prints goes to `print`, and it has no input. Something that outlives the command may
 * hold its pipes open; that is not waited for.
 */
export function runInto(print, command, args, { cwd = root, env = childEnv() } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', print);
    child.on('error', (error) =>
      reject(error.code === 'ENOENT' ? new SetupError(`${command} was not found; install it.`) : error),
    );
    child.on('exit', () =>
      setTimeout(() => [child.stdout, child.stderr].forEach((one) => one.destroy()), 2000).unref(),
    );
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** As `run`, but a failure is an error that carries `advice`. Output is shown only then, unless `verbose`. */
export async function mustRun(command, args, { advice = '', verbose = false, ...options } = {}) {
  let output = '';
  const code = await new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: options.env ?? childEnv(),
      stdio: verbose ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      shell: onWindows && !command.endsWith('.exe'),
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) =>
      error.code === 'ENOENT'
        ? reject(new SetupError(`${command} was not found on the PATH. ${advice}`))
        : reject(error),
    );
    child.on('close', (status) => resolve(status ?? 1));
  });
  if (code === 0) return output;
  throw new SetupError(
    `${[command, ...args].join(' ')} failed (exit ${code}).\n${output.slice(-4000)}\n${advice}`.trim(),
  );
}

/** Runs a script of this project with Node 24. */
export const runNode = (args, options) => run(node24, ['--disable-warning=ExperimentalWarning', ...args], options);

export function onPath(...names) {
  const suffixes = onWindows ? ['.exe', '.cmd', ''] : [''];
  for (const name of names)
    for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'])
      for (const suffix of suffixes)
        if (folder !== '' && existsSync(join(folder, name + suffix))) return join(folder, name + suffix);
  return undefined;
}

export const isRoot = () => process.getuid?.() === 0;

export function say(line) {
  process.stderr.write(`[autoact] ${line}\n`);
}

/** Runs `main` and turns a SetupError into its message and exit status 1. */
export async function script(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`\n[autoact] ${error.message}\n`);
    process.exitCode = 1;
  }
}

/** True when the command exists and exits 0. */
export function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
