// What every script that trains does first: set up with Python, build the bundles.
import { inRoot, runNode, SetupError } from './project.mjs';
import { setup } from '../setup.mjs';

/**
 * Sets up and builds, then runs Node with the given arguments.
 * @param {readonly string[]} args
 * @param {{ vscode?: boolean }} wants what is needed besides Python
 * @returns {Promise<number>} exit code of the build when it failed, else of the program
 */
export async function runTrained(args, wants = {}) {
  const { unavailable } = await setup({ ...wants, python: true });
  if (unavailable.has('python'))
    throw new SetupError('Training needs Python 3.10 or later with venv; the packages are named above.');
  if (unavailable.has('vscode')) throw new SetupError('This needs VS Code from npm, and Chromium; see above.');
  const built = await runNode([inRoot('esbuild.mjs')], { stdio: ['inherit', 2, 'inherit'] });
  return built === 0 ? runNode(args) : built;
}
