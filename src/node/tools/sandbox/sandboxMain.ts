import { readFileSync, writeSync } from 'node:fs';
import { loadDatabase } from './database.ts';
import { readyLine, type SandboxAnswer, type SandboxJob } from './jobs.ts';
import { closeNetwork, closeProcess, requirePermissions } from './lockDown.ts';
import { loadOcr } from './ocr.ts';
import { loadPython } from './python.ts';

/**
 * The program of the sandbox's process: it takes one job from its input, does it, answers and ends. It is started by
 * runSandboxed.ts with Node's permission model, an empty environment and limits of memory, and killed when time is up.
 */
async function main(): Promise<void> {
  requirePermissions();
  closeNetwork();
  const job = JSON.parse(readFileSync(0, 'utf8')) as SandboxJob;
  const work = await load(job);
  if (job.kind !== 'python') closeProcess();
  writeSync(1, `${readyLine}\n`);
  const answer: SandboxAnswer = work();
  writeSync(1, `${JSON.stringify(answer)}\n`);
}

function load(job: SandboxJob): Promise<() => SandboxAnswer> {
  switch (job.kind) {
    case 'python':
      return loadPython(job);
    case 'database':
      return loadDatabase(job);
    case 'ocr':
      return loadOcr(job);
  }
}

// What Python left running must not keep the process.
void main().then(
  () => process.exit(0),
  (error: unknown) => {
    writeSync(2, `${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
