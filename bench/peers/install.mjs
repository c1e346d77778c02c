#!/usr/bin/env node
// `node bench/peers/install.mjs`: installs the peers that `npm run bench -- clientHttp` compares with into .cache/peers,
// about 2 GB. They are no dependency of the product, and what cannot be installed is left out of the comparison.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '..', '.cache', 'peers');
const node = join(folder, 'node');
mkdirSync(node, { recursive: true });
const run = (program, ...args) => spawnSync(program, args, { stdio: 'inherit' }).status === 0;

if (!run('npm', 'install', '--prefix', node, '--ignore-scripts', '--no-audit', '--no-fund', 'promptfoo@0.121.20'))
  console.log('promptfoo could not be installed');

// Of PyPI, each in an environment of its own: Inspect needs a newer openai than DSPy allows.
const peers = { inspect: ['inspect-ai==0.3.260', 'openai==3.54.0'], dspy: ['dspy==3.3.1'] };
const windows = process.platform === 'win32';
for (const [name, packages] of Object.entries(peers)) {
  const place = join(folder, name);
  if (existsSync(join(place, 'installed'))) continue;
  const python = join(place, ...(windows ? ['Scripts', 'python.exe'] : ['bin', 'python']));
  const made =
    run(process.env.PYTHON ?? (windows ? 'python' : 'python3'), '-m', 'venv', place) &&
    run(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages);
  if (made) writeFileSync(join(place, 'installed'), '');
  else console.log(`${packages.join(' and ')} could not be installed`);
}
