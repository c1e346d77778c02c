import { dirname, join } from 'node:path';
import { packageRoot, packageVersion } from '../node/packageRoot.ts';
import type { ToolPlace } from '../node/tools/provide.ts';

/** Where the tools of a task card find files, keys and this program's own parts. */
export function toolPlace(taskFile: string, notify: (message: string) => void): ToolPlace {
  const root = packageRoot();
  return {
    folder: dirname(taskFile),
    root,
    version: packageVersion(root),
    secret: (name) => process.env[name],
    sandboxEntry: join(root, 'dist', 'sandbox.js'),
    notify,
  };
}
