import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as z from 'zod';

const run = promisify(execFile);

/** Versions that the trainer runs with: from the first, below the second. */
export const supported: Readonly<Record<string, readonly [string, string]>> = {
  python: ['3.11', '4'],
  torch: ['2.6', '3'],
  transformers: ['4.56', '6'],
  peft: ['0.18', '1'],
  safetensors: ['0.4', '1'],
  tokenizers: ['0.20', '1'],
  numpy: ['1.26', '3'],
};

const Versions = z.record(z.string().max(64), z.string().max(64).nullable());

/** Asks for versions without importing the packages: torch alone takes two seconds. */
const script = `
import json, sys
from importlib.metadata import version, PackageNotFoundError
found = {"python": "%d.%d.%d" % sys.version_info[:3]}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        found[name] = None
print(json.dumps(found))
`;

/** Versions of Python and of `packages`; null for what is missing. @throws when the interpreter cannot be run. */
export async function versionsOf(
  python: string,
  packages: readonly string[],
  signal?: AbortSignal,
): Promise<Record<string, string | null>> {
  const { stdout } = await run(python, ['-c', script, ...packages], {
    timeout: 60_000,
    ...(signal === undefined ? {} : { signal }),
  });
  return Versions.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
}

/** What is missing or of a version that the trainer does not run with; empty when all is well. */
export function shortcomings(
  found: Readonly<Record<string, string | null>>,
  wanted: readonly string[] = Object.keys(supported),
): string[] {
  return wanted.flatMap((name) => {
    const [least, below] = supported[name] ?? ['0', '9999'];
    const version = found[name] ?? null;
    if (version === null) return [`${name} is missing`];
    return compareVersions(version, least) >= 0 && compareVersions(version, below) < 0
      ? []
      : [`${name} is ${version}, needed is ${least} or later, below ${below}`];
  });
}

/** By their leading numbers; what follows (`+cu130`, `rc1`) does not count. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => (/^\d+(\.\d+)*/.exec(text)?.[0] ?? '0').split('.').map(Number)) as [
    number[],
    number[],
  ];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
