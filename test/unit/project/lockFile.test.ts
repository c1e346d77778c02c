import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inRoot } from '../../../scripts/lib/project.mjs';

interface LockedPackage {
  readonly name?: string;
  readonly version: string;
  readonly resolved?: string;
  readonly os?: string[];
  readonly cpu?: string[];
  readonly optional?: boolean;
}

const text = readFileSync(inRoot('package-lock.json'), 'utf8');
const { packages } = JSON.parse(text) as { packages: Record<string, LockedPackage> };
const engineVersion = packages['node_modules/node-llama-cpp']!.version;
const advice = 'run npm run lock';

test('the lock file names no registry', () => {
  assert.deepEqual(
    Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined),
    [],
    advice,
  );
  assert.doesNotMatch(text, /https?:\/\/[^"]*registry/);
});

for (const [name, os, cpu] of [
  ['linux-x64', 'linux', 'x64'],
  ['linux-arm64', 'linux', 'arm64'],
  ['linux-armv7l', 'linux', 'arm'],
  ['mac-arm64-metal', 'darwin', 'arm64'],
  ['mac-x64', 'darwin', 'x64'],
  ['win-arm64', 'win32', 'arm64'],
  ['win-x64', 'win32', 'x64'],
] as const)
  test(`the engine for ${name} is installed on ${os} ${cpu} and nowhere else`, () => {
    const entry = packages[`node_modules/@node-llama-cpp/${name}`];
    assert.ok(entry, advice);
    assert.deepEqual([entry.os, entry.cpu, entry.optional, entry.version], [[os], [cpu], true, engineVersion], advice);
  });

test('CUDA and Vulkan variants are empty packages', () => {
  const variants = Object.entries(packages).filter(([path]) => /@node-llama-cpp\/.*(cuda|vulkan)/.test(path));
  assert.ok(variants.length >= 6);
  for (const [path, { name }] of variants) assert.equal(name, 'empty-npm-package', path);
});
