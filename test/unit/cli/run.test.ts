import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { CliEvent, RunStatus } from '../../../src/core/run/status.ts';
import { reset, type CompletionServer, type Reply } from '../../doubles/completionServer.ts';
import { metaReply, metaServer } from '../../doubles/metaServer.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact cli ')); // a space, as users' folders have
const program = join(folder, 'dist', 'cli.js');
before(async () => {
  // As the build makes it, beside the files that it needs: it starts several times faster than the sources.
  for (const name of ['package.json', 'prompts', 'box', 'starter/starter.task.json'])
    cpSync(name, join(folder, name), { recursive: true });
  await build({
    entryPoints: ['src/cli/main.ts'],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['node-llama-cpp', 'cpu-features', '*.node'],
    logLevel: 'error',
    define: {
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
      'import.meta.url': 'importMetaUrl',
    },
    banner: { js: 'const importMetaUrl=require("node:url").pathToFileURL(__filename).href;' },
  });
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function cli(args: readonly string[], cancelWhen?: () => boolean): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [program, ...args], { cwd: folder });
    let out = '';
    let err = '';
    child.stdout.on('data', (c: Buffer) => {
      out += c.toString();
    });
    child.stderr.on('data', (c: Buffer) => {
      err += c.toString();
    });
    const timer = setInterval(() => {
      if (cancelWhen?.() === true) child.kill('SIGTERM');
    }, 20);
    child.on('close', (code) => {
      clearInterval(timer);
      done({ code, out, err });
    });
  });
}

const questions = Array.from({ length: 12 }, (_, i) => ({
  id: `q${i}`,
  question: `Where does traveller ${i} live?`,
  answer: i % 3 === 0 ? 'Arden' : 'Velm',
  level: i < 6 ? 'easy' : 'hard',
}));

function writeTask(name: string, baseURL: string, extra: Record<string, unknown> = {}): string {
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

async function withServer<T>(
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

/** True a single time: a second signal would end the process at once. */
function once(condition: () => boolean): () => boolean {
  let fired = false;
  return () => !fired && (fired = condition());
}

const events = (out: string): CliEvent[] =>
  out
    .trim()
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => CliEvent.parse(JSON.parse(l)));
const runOf = (out: string): { folder: string; run: string } => {
  const done = events(out).find((e) => e.type === 'done');
  assert.ok(done?.type === 'done');
  return done;
};

test('a run against a user’s own server goes through every stage and ends with an honest table', async () => {
  await withServer(async (baseURL) => {
    const ended = await cli(['run', '--task', writeTask('whole', baseURL), '--json']);
    assert.equal(ended.code, 0, ended.out.slice(-2000) + ended.err);
    const { folder: run } = runOf(ended.out);
    const status = RunStatus.parse(JSON.parse(readFileSync(join(run, 'status.json'), 'utf8')));
    assert.deepEqual(
      status.stages.map((s) => s.state),
      Array.from({ length: 7 }, () => 'done'),
    );
    assert.equal(status.results[0]!.levels.at(-1)!.n, 12);
    assert.ok(Math.abs(status.results[0]!.levels.at(-1)!.score - 4 / 12) < 1e-9);
    for (const file of [
      'run.json',
      'database.jsonl',
      'tools.json',
      'trajectories.jsonl',
      'training/plan.jsonl',
      'evaluation/zero-shot.jsonl',
      'report.md',
      'report.json',
    ])
      assert.ok(existsSync(join(run, file)), file);
    const trajectories =
      readFileSync(join(run, 'evaluation/zero-shot.jsonl'), 'utf8') +
      readFileSync(join(run, 'log.jsonl'), 'utf8') +
      readFileSync(join(run, 'run.json'), 'utf8');
    assert.doesNotMatch(trajectories, /Velm/, 'gold that no model said is in no file but the scores');
    const explained = await cli(['explain', runOf(ended.out).run, 'i-0001', '--json']);
    assert.deepEqual(
      (JSON.parse(explained.out) as { kind: string; from: string[]; to: string[] }[]).map((e) => [
        e.kind,
        e.from,
        e.to[0],
      ]),
      [['instance', ['seed-1'], 'synthesis/i-0001/0']],
    );
    const dropped = await cli(['explain', runOf(ended.out).run, 'broken']);
    assert.match(dropped.out, /format error/);
  });
});

test('a server that dies in the middle gives one message with the remedy, and the run goes on afterwards', async () => {
  let calls = 0;
  let dead = true;
  const reply = (asked: Parameters<typeof metaReply>[0]): Reply => (dead && ++calls > 40 ? reset : metaReply(asked));
  await withServer(async (baseURL, server) => {
    const first = await cli(['run', '--task', writeTask('dying', baseURL, { concurrency: 4 }), '--json']);
    assert.equal(first.code, 4, first.err);
    const errors = events(first.out).filter((e) => e.type === 'error');
    assert.equal(errors.length, 1);
    assert.match(
      errors[0]?.type === 'error' ? `${errors[0].message} ${errors[0].remedy}` : '',
      /"mine".*cannot be reached.*resume/s,
    );
    dead = false;
    const before = server.asked.length;
    const second = await cli(['run', '--resume', runOf(first.out).run, '--json']);
    assert.equal(second.code, 0, second.err);
    const ids = new Set(server.asked.slice(0, 40).map((a) => `${a.seed}|${a.prompt}`));
    for (const a of server.asked.slice(before))
      assert.ok(!ids.has(`${a.seed}|${a.prompt}`), 'an answered request was asked again');
  }, reply);
});

test('cancelling ends with its own code, and resume goes on', async () => {
  await withServer(async (baseURL, server) => {
    server.delay(30);
    const first = await cli(
      ['run', '--task', writeTask('cancelled', baseURL, { concurrency: 2 }), '--json'],
      once(() => server.asked.length > 20),
    );
    assert.equal(first.code, 130, first.err);
    const { folder: run } = runOf(first.out);
    assert.equal(RunStatus.parse(JSON.parse(readFileSync(join(run, 'status.json'), 'utf8'))).state, 'cancelled');
    server.delay(0);
    assert.equal((await cli(['run', '--resume', runOf(first.out).run])).code, 0);
  });
});

test('errors of single questions are shown, counted and kept out of the score', async () => {
  await withServer(
    async (baseURL) => {
      const ended = await cli(['run', '--task', writeTask('partly', baseURL), '--json']);
      assert.equal(ended.code, 0, ended.err);
      const status = RunStatus.parse(JSON.parse(readFileSync(join(runOf(ended.out).folder, 'status.json'), 'utf8')));
      assert.equal(status.results[0]!.errors, 3);
      assert.equal(status.results[0]!.levels.at(-1)!.n, 9);
      assert.match(readFileSync(join(runOf(ended.out).folder, 'report.md'), 'utf8'), /missing/i);
    },
    (asked) =>
      /traveller (3|6|9) /.test(asked.prompt)
        ? { status: 400, body: '{"error":{"message":"cannot do this"}}' }
        : metaReply(asked),
  );
});

const bad: readonly (readonly [string, () => string[], number, RegExp])[] = [
  ['no task card', () => ['run', '--task', 'nowhere.task.json'], 3, /no task card at .*New Task Card/s],
  [
    'a card that is no JSON',
    () => {
      writeFileSync(join(folder, 'a.task.json'), '{');
      return ['run', '--task', 'a.task.json'];
    },
    3,
    /not JSON/,
  ],
  [
    'a card with faults',
    () => {
      writeFileSync(join(folder, 'b.task.json'), '{"name":"","metric":"best","examples":[]}');
      return ['run', '--task', 'b.task.json'];
    },
    3,
    /name:.*description:.*examples:.*metric:/s,
  ],
  [
    'a wrong setting',
    () => ['run', '--task', writeTask('c', 'http://127.0.0.1:9/v1'), '-s', 'planning.maxSteps=none'],
    3,
    /planning\.maxSteps/,
  ],
  [
    'an unreachable server',
    () => ['run', '--task', writeTask('d', 'http://127.0.0.1:9/v1')],
    4,
    /cannot be reached.*resume/s,
  ],
  ['a run that is not there', () => ['run', '--resume', 'never'], 3, /no run "never"/],
  ['neither task nor run', () => ['run'], 2, /--task/],
  ['an unknown option', () => ['run', '--tusk', 'x'], 2, /--task/],
  [
    'questions that are missing',
    () => {
      const path = writeTask('e', 'http://127.0.0.1:9/v1');
      writeFileSync(path, readFileSync(path, 'utf8').replace('questions.jsonl', 'gone.jsonl'));
      return ['run', '--task', path];
    },
    3,
    /gone\.jsonl cannot be read/,
  ],
  [
    'predictions that match nothing',
    () => {
      writeFileSync(join(folder, 'p.jsonl'), '{"id":"zz","prediction":"x"}\n');
      writeTask('f', 'http://127.0.0.1:9/v1');
      return ['score', '--predictions', 'p.jsonl', '--questions', 'questions.jsonl'];
    },
    3,
    /None of the 1 predictions/,
  ],
];

for (const [what, args, code, message] of bad) {
  test(`${what}: one clear message with the remedy`, async () => {
    const ended = await cli(args());
    assert.equal(ended.code, code, ended.err);
    assert.match(ended.err, message);
    assert.doesNotMatch(ended.err, /\n\s+at /, 'no stack trace');
  });
}

test('score prints the figures of a prediction file', async () => {
  writeTask('g', 'http://127.0.0.1:9/v1');
  writeFileSync(
    join(folder, 'p.jsonl'),
    questions.map((q, i) => `${JSON.stringify({ id: q.id, prediction: i < 6 ? q.answer : 'nothing' })}\n`).join(''),
  );
  const ended = await cli([
    'score',
    '--predictions',
    'p.jsonl',
    '--questions',
    'questions.jsonl',
    '--metric',
    'em',
    '--json',
  ]);
  assert.equal(ended.code, 0, ended.err);
  const report = JSON.parse(ended.out) as { cells: { level: string; n: number; score: number }[] };
  assert.deepEqual(
    report.cells.map((c) => [c.level, c.n, c.score]),
    [
      ['easy', 6, 1],
      ['hard', 6, 0],
      ['all', 12, 0.5],
    ],
  );
});

test('world writes pages, questions and a card that loads', async () => {
  const ended = await cli(['world', '--seed', '7', '--questions', '5', '--json']);
  assert.equal(ended.code, 0, ended.err);
  const made = JSON.parse(ended.out) as { pages: number; questions: number; card: string };
  assert.ok(made.pages > 900);
  assert.equal(made.questions, 15);
  assert.ok(existsSync(made.card));
});
