import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder with package.json, prompts/, box/ and starter/: the repository, or where the extension is installed. */
export function packageRoot(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'prompts'))) return folder;
    if (dirname(folder) === folder)
      throw new Error(
        'The files of AutoAct are incomplete: package.json and prompts/ were not found above the program. Install it again.',
      );
  }
}

export function packageVersion(root: string): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}
