import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { EngineError } from './engineErrors.ts';

/** The version in package.json (a test compares them): its batch interface is what we drive. */
export const ENGINE_VERSION = '3.22.1';

const Manifest = z.object({ version: z.string(), main: z.string().optional() });

export interface EngineLocation {
  /** File URL to give to `import()`. */
  readonly module: string;
  readonly version: string;
  /** The package folder. */
  readonly folder: string;
}

/**
 * Find node-llama-cpp in the node_modules of the given folders or of one above them. It is an ES module without a
 * CommonJS entry, so `require.resolve` cannot find it.
 * @param roots tried in order: the extension's own folder, then wherever an engine was installed on demand.
 * @throws EngineError `not-installed`, saying how to install it
 */
export function locateEngine(roots: readonly string[]): EngineLocation {
  for (const root of roots) {
    for (let folder = root; ; folder = dirname(folder)) {
      const found = join(folder, 'node_modules', 'node-llama-cpp');
      const manifest = join(found, 'package.json');
      if (existsSync(manifest)) {
        const { version, main } = Manifest.parse(JSON.parse(readFileSync(manifest, 'utf8')));
        return { module: pathToFileURL(join(found, main ?? 'dist/index.js')).href, version, folder: found };
      }
      if (dirname(folder) === folder) break;
    }
  }
  throw new EngineError(
    'not-installed',
    `The embedded engine is not installed (looked in ${roots.join(', ')}). A run or "autoact serve" installs it when npm is there (some 70 MB); or choose another model server.`,
  );
}
