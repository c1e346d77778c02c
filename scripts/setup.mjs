#!/usr/bin/env node
// Makes a bare machine ready: npm packages and Node 24, system programs, VS Code, the Python environment.
// Everything lands inside the repository; a second run only compares and returns.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureCodeServer } from './lib/codeServer.mjs';
import { ensureNpmPackages } from './lib/npmPackages.mjs';
import { childEnv, inRoot, node24, onWindows, say, script, SetupError } from './lib/project.mjs';
import { ensureSystemPackages } from './lib/systemPackages.mjs';

const [major] = process.versions.node.split('.').map(Number);

/**
 * @param {{ python?: boolean, vscode?: boolean, sshd?: boolean, slurm?: boolean }} wants
 * @returns {Promise<{ unavailable: Set<string>, python: string | undefined }>} what could not be had (any of 'python',
 * 'vscode', 'sshd', 'slurm'), and the interpreter of the Python environment
 */
export async function setup(wants = {}) {
  if (major < 20) throw new SetupError(`Node.js ${process.versions.node} is too old: install Node.js 20 or later.`);
  await ensureNpmPackages();
  const unavailable = new Set();
  const missing = await ensureSystemPackages([
    ...(wants.python ? ['python'] : []),
    ...(wants.vscode ? ['chromium', 'compiler'] : []),
    ...(wants.sshd ? ['sshd', 'shells'] : []),
  ]);
  if (missing.includes('sshd')) unavailable.add('sshd');
  if (wants.slurm && !(await haveSlurm())) unavailable.add('slurm');
  if (wants.vscode) {
    if (missing.includes('chromium') || missing.includes('compiler') || onWindows) unavailable.add('vscode');
    else await ensureCodeServer();
  }
  let python;
  if (wants.python && missing.includes('python')) unavailable.add('python');
  else if (wants.python) python = await pythonEnvironment();
  return { unavailable, python };
}

/** Many systems have no package of it: then one suite is left out, and nothing else. */
async function haveSlurm() {
  if (process.platform !== 'linux') return false;
  try {
    return (await ensureSystemPackages(['slurm'])).length === 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return false;
  }
}

async function pythonEnvironment() {
  let path = '';
  const maker = spawn(
    node24,
    ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', inRoot('scripts', 'lib', 'python.mjs')],
    {
      env: childEnv(),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  maker.stdout.on('data', (chunk) => (path += chunk));
  const code = await new Promise((resolve) => maker.once('close', resolve));
  if (code !== 0) throw new SetupError('The Python environment could not be made; the reason stands above.');
  return path.trim();
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await script(async () => {
    const all = process.argv.includes('--all');
    const flag = (name) => all || process.argv.includes(`--${name}`);
    const { unavailable } = await setup(
      Object.fromEntries(['python', 'vscode', 'sshd', 'slurm'].map((name) => [name, flag(name)])),
    );
    say(unavailable.size === 0 ? 'ready' : `ready, without: ${[...unavailable].join(', ')}`);
    return 0;
  });
