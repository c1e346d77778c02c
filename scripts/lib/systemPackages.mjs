// Programs that come from the system's package manager: Chromium (VS Code's window in tests), sshd (the SSH tests'
// other end) and shells to log in to, Slurm (a queue of one node), Python's venv module. Installed by apt when we are root; named in a message when we are not.
import { existsSync } from 'node:fs';
import { childEnv, isRoot, mustRun, onPath, say, works } from './project.mjs';

const chromiumNames = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const chromiumElsewhere = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

export const findChromium = () =>
  process.env.CHROMIUM_PATH ?? onPath(...chromiumNames) ?? chromiumElsewhere.find((path) => existsSync(path));
export const findSshd = () => onPath('sshd');
const hasPython = () =>
  ['python3.11', 'python3'].some((name) =>
    works(name, ['-c', 'import sys, venv, ensurepip; assert sys.version_info >= (3, 10)']),
  );
const hasCompiler = () => onPath('g++', 'clang++') !== undefined && onPath('make') !== undefined;

/** need: what it is for, how to see that it is there, Debian's packages, and about how much apt downloads. */
export const programs = {
  chromium: {
    purpose: 'tests in a real VS Code',
    present: () => findChromium() !== undefined,
    packages: ['chromium', 'fonts-liberation'],
    size: '90 MB',
  },
  sshd: {
    purpose: 'tests over real SSH',
    present: () => findSshd() !== undefined,
    packages: ['openssh-server', 'openssh-client'],
    size: '2 MB',
  },
  shells: {
    purpose: 'tests of login shells that are not POSIX',
    present: () => ['tcsh', 'fish'].every((name) => onPath(name) !== undefined),
    packages: ['tcsh', 'fish'],
    size: '4 MB',
  },
  slurm: {
    purpose: 'tests of a real queue',
    present: () => ['sbatch', 'slurmctld', 'slurmd', 'munged'].every((name) => onPath(name) !== undefined),
    packages: ['slurmctld', 'slurmd', 'slurm-client', 'munge'],
    size: '20 MB',
  },
  python: { purpose: 'training', present: hasPython, packages: ['python3', 'python3-venv'], size: '20 MB' },
  compiler: {
    purpose: "the native modules of VS Code's server",
    present: hasCompiler,
    packages: ['g++', 'make', 'python3'],
    size: '80 MB',
  },
};

/**
 * Makes the named programs available. Returns the names that are still missing, each already explained to the user:
 * what needs them can then be skipped rather than fail in the middle.
 */
export async function ensureSystemPackages(names) {
  const missing = names.filter((name) => !programs[name].present());
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.flatMap((name) => programs[name].packages))];
  if (!isRoot() || !onPath('apt-get')) {
    for (const name of missing) say(`missing for ${programs[name].purpose}: ${programs[name].packages.join(', ')}`);
    say(
      onPath('apt-get')
        ? `Install with: sudo apt-get install ${packages.join(' ')}`
        : 'Install them with your package manager.',
    );
    return missing;
  }
  for (const name of missing)
    say(
      `apt: ${programs[name].packages.join(', ')} for ${programs[name].purpose}, about ${programs[name].size} to download …`,
    );
  const env = childEnv({ extra: { DEBIAN_FRONTEND: 'noninteractive' } });
  const advice = `Install by hand: apt-get install ${packages.join(' ')}`;
  await mustRun('apt-get', ['update', '-qq'], { env, advice });
  await mustRun('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env, advice });
  return missing.filter((name) => !programs[name].present());
}
