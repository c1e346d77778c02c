#!/usr/bin/env node
// `npm run hotpotqa -- FILE… [-- name=value …]`: imports HotpotQA and runs the whole loop on it at a small size with the
// starter model: a test of the path from data to report. The model was made for an invented world and knows no English
// text, so its scores say nothing; name a server in the task card for figures of worth.
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inRoot, script, SetupError } from './lib/project.mjs';
import { runTrained } from './lib/trained.mjs';

/** What this machine can do in a minute or two. */
const small = ['preset=starter', 'selfInstruct.instances=24', 'training.epochs=1', 'evaluation.perLevel=5'];

await script(async () => {
  const words = process.argv.slice(2);
  const isSetting = (word) => /^[\w.]+=/.test(word);
  // npm runs this in the repository; the files were named from where it was called.
  const from = process.env['INIT_CWD'] ?? process.cwd();
  const files = words.filter((word) => !isSetting(word)).map((word) => resolve(from, word));
  if (files.length === 0)
    throw new SetupError('Name the files of HotpotQA, for example: npm run hotpotqa -- hotpot_dev_distractor_v1.json');
  const absent = files.find((file) => !existsSync(file));
  if (absent !== undefined) throw new SetupError(`There is no file ${absent}.`);
  const workspace = inRoot('.autoact', 'hotpotqa');
  const data = join(workspace, 'data', 'hotpotqa');
  const cli = inRoot('dist', 'cli.js');
  if (!existsSync(`${data}.task.json`)) {
    mkdirSync(join(workspace, 'data'), { recursive: true });
    const imported = await runTrained([cli, 'import', 'hotpotqa', ...files, '-o', data]);
    if (imported !== 0) return imported;
  }
  const settings = [...small, ...words.filter(isSetting)].flatMap((word) => ['--setting', word]);
  return runTrained([cli, 'run', '--task', `${data}.task.json`, '--workspace', workspace, ...settings]);
});
