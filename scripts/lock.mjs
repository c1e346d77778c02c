// `npm run lock`, after adding or updating a package: makes package-lock.json good for every platform.
// npm writes down only what it saw while resolving on this machine, and takes two wrong turns for node-llama-cpp:
// its Linux ARM binaries declare x64 too (for cross-building), so 33 MB of them would be installed here; and a binary
// that this machine's registry lacks is left out altogether, so that other platforms would never get theirs.
import { readFileSync, writeFileSync } from 'node:fs';
import { inRoot } from './lib/project.mjs';

const path = inRoot('package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const engine = lock.packages['node_modules/node-llama-cpp'];

/** Platform binaries of the engine that are wanted: os, cpu, libc. CUDA and Vulkan are overridden in package.json. */
const binaries = {
  'linux-x64': ['linux', 'x64', 'glibc'],
  'linux-arm64': ['linux', 'arm64', 'glibc'],
  'linux-armv7l': ['linux', 'arm', 'glibc'],
  'linux-riscv64': ['linux', 'riscv64', 'glibc'],
  'mac-arm64-metal': ['darwin', 'arm64'],
  'mac-x64': ['darwin', 'x64'],
  'win-arm64': ['win32', 'arm64'],
  'win-x64': ['win32', 'x64'],
};
for (const [name, [os, cpu, libc]] of Object.entries(binaries)) {
  const key = `node_modules/@node-llama-cpp/${name}`;
  lock.packages[key] = {
    version: engine.version,
    ...lock.packages[key],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    license: 'MIT',
    optional: true,
    os: [os],
  };
}
for (const entry of Object.values(lock.packages)) delete entry.resolved;
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a === b ? 0 : a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
