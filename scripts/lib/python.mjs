// Run by setup with Node 24, which reads the TypeScript that makes the Python environment: training and setup share it.
import { ensurePython } from '../../src/node/box/pythonEnvironment.ts';

await ensurePython();
