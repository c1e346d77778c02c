// npm packages and the Node 24 among them. Compares what is installed with the lock file, so a second run costs
// milliseconds and a tree that a developer installed by hand is left alone.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { childEnv, inRoot, isRoot, mustRun, node24, onPath, say, SetupError, works } from './project.mjs';

const readLock = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;

/** Names of locked packages that are missing from node_modules or present in another version. */
export function outdatedPackages() {
  const installedPath = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(installedPath)) return ['node_modules'];
  const installed = readLock(installedPath);
  return Object.entries(readLock(inRoot('package-lock.json')))
    .filter(([path, locked]) => {
      if (path === '') return false;
      // Optional packages are for other platforms more often than not; npm chose which of them belong here.
      const present = installed[path];
      return present === undefined ? !(locked.optional || locked.devOptional) : present.version !== locked.version;
    })
    .map(([path]) => path);
}

const node24Works = () => existsSync(node24) && statSync(node24).size > 1000 && works(node24, ['--version']);

export async function ensureNpmPackages() {
  const outdated = outdatedPackages();
  if (outdated.length === 0 && node24Works()) return false;
  if (!onPath('npm')) throw new SetupError('npm was not found. Install Node.js 20 or later together with npm.');
  const advice = 'Check that npm reaches its registry (`npm ping`), then run the same command again.';
  const env = childEnv({ system: true });
  const npm = (...args) => mustRun('npm', [...args, '--no-audit', '--no-fund', '--loglevel', 'error'], { env, advice });
  if (outdated.length > 0) {
    say('npm packages: about 205 MB to download, 390 MB on disk (no CUDA or Vulkan builds) …');
    await npm('ci', '--ignore-scripts');
  }
  if (!node24Works()) {
    say('Node 24 from the npm package "node": about 50 MB to download, 190 MB on disk …');
    await npm('rebuild', 'node', 'esbuild', '--ignore-scripts=false');
  }
  if (!node24Works())
    throw new SetupError(`${node24} does not run here. ${isRoot() ? '' : 'Is the folder mounted noexec? '}${advice}`);
  return true;
}
