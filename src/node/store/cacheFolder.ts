import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** In a checkout the repository's cache; for an installed extension, whose folder is replaced by updates, the user's. */
export function defaultCacheFolder(root: string): string {
  if (existsSync(join(root, 'test', 'python'))) return join(root, '.cache');
  if (process.platform === 'win32')
    return join(process.env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'autoact');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'autoact');
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'autoact');
}
