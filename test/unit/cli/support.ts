import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { CompletionServer } from '../../doubles/completionServer.ts';
import { metaServer } from '../../doubles/metaServer.ts';
import { buildCli, cliEvents, runCli, type Ended } from '../../harness/cliProgram.ts';

/** The questions of every task that `writeTask` writes: a third are answered with what `metaServer` says. */
export const questions = Array.from({ length: 12 }, (_, i) => ({
  id: `q${i}`,
  question: `Where does traveller ${i} live?`,
  answer: i % 3 === 0 ? 'Arden' : 'Velm',
  level: i < 6 ? 'easy' : 'hard',
}));

export interface CliFolder {
  readonly folder: string;
  readonly cli: (args: readonly string[], cancelWhen?: () => boolean) => Promise<Ended>;
  /** Writes a small task on a server of the user's. @returns the card's path */
  readonly writeTask: (name: string, baseURL: string, extra?: Record<string, unknown>) => string;
}

/** A folder for the tests of a file, with the command line built in it. */
export function cliFolder(): CliFolder {
  const folder = mkdtempSync(join(tmpdir(), 'autoact cli ')); // a space, as users' folders have
  let program = '';
  before(async () => {
    program = await buildCli(folder);
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    cli: (args, cancelWhen) => runCli(program, folder, args, cancelWhen),
    writeTask: (name, baseURL, extra = {}) => writeTask(folder, { name, baseURL, extra }),
  };
}

interface TaskParts {
  readonly name: string;
  readonly baseURL: string;
  readonly extra: Record<string, unknown>;
}

function writeTask(folder: string, { name, baseURL, extra }: TaskParts): string {
  writeFileSync(
    join(folder, 'pages.jsonl'),
    `${JSON.stringify({ title: 'Mira Torvel', paragraphs: ['Mira Torvel was born in Arden.'] })}\n`,
  );
  writeFileSync(join(folder, 'questions.jsonl'), questions.map((q) => `${JSON.stringify(q)}\n`).join(''));
  const path = join(folder, `${name}.task.json`);
  writeFileSync(
    path,
    JSON.stringify({
      name,
      description: 'You answer questions.',
      examples: [{ question: 'Where was Ada born?', answer: 'Arden' }],
      metric: 'f1',
      levels: ['easy', 'hard'],
      documents: 'pages.jsonl',
      questions: 'questions.jsonl',
      settings: {
        servers: { mine: { baseURL } },
        roles: { default: { server: 'mine', model: 'base' } },
        selfInstruct: { instances: 8, perAnswerCap: 100, similarity: 1, parallelRounds: 2 },
        evaluation: { systems: ['zero-shot'] },
        ...extra,
      },
    }),
  );
  return path;
}

export async function withServer<T>(
  work: (baseURL: string, server: CompletionServer) => Promise<T>,
  reply?: Parameters<typeof metaServer>[0],
): Promise<T> {
  const server = metaServer(reply);
  try {
    return await work(await server.start(), server);
  } finally {
    await server.stop();
  }
}

/** Where the run of `run --json` lies. */
export const runOf = (out: string): { folder: string; run: string } => {
  const done = cliEvents(out).find((e) => e.type === 'done');
  assert.ok(done?.type === 'done');
  return done;
};
