// Run by setup with Node 24, which reads the TypeScript that makes the Python environment: training and setup share it.
// Prints the interpreter's path; progress goes to standard error.
import { ensurePython } from '../../src/node/box/pythonEnvironment.ts';

try {
  console.log(await ensurePython());
} catch (error) {
  console.error(`\n[autoact] ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
