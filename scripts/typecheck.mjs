// Type checks every project: all of it with Node's types, then each layer that must do without them. Two at a time;
// build info is kept, so that an unchanged project costs little.
import { mkdirSync } from 'node:fs';
import { cacheDir, inRoot, mustRun, node24, script, SetupError } from './lib/project.mjs';

const projects = ['.', 'src/core', 'src/protocol', 'src/dap', 'webview'];

async function check(project) {
  const info = `${cacheDir}/tsc/${project.replaceAll(/[./]/g, '_')}.tsbuildinfo`;
  const args = [
    inRoot('node_modules/typescript/bin/tsc'),
    '-p',
    inRoot(project),
    '--noEmit',
    '--incremental',
    '--tsBuildInfoFile',
    info,
  ];
  try {
    await mustRun(node24, args);
    return 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`[typecheck] ${project}\n${error.message.split('\n').slice(1).join('\n')}`);
    return 1;
  }
}

await script(async () => {
  mkdirSync(`${cacheDir}/tsc`, { recursive: true });
  const waiting = [...projects];
  let failed = 0;
  const worker = async () => {
    for (let project = waiting.shift(); project !== undefined; project = waiting.shift())
      failed += await check(project);
  };
  await Promise.all([worker(), worker()]);
  return failed === 0 ? 0 : 1;
});
