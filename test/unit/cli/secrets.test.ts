import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CompletionServer } from '../../doubles/completionServer.ts';
import { JsonServer } from '../../doubles/jsonServer.ts';
import { metaReply } from '../../doubles/metaServer.ts';
import type { Ended } from '../../harness/cliProgram.ts';
import { cliFolder, withServer } from './support.ts';

const { folder, cli, writeTask } = cliFolder();
const canary = 'sk-canary-9e1c';
process.env['CANARY_API_KEY'] = canary;
after(() => {
  delete process.env['CANARY_API_KEY'];
});

/** Neither what was printed nor any file that was made holds the key. */
function nowhere(ended: Ended): void {
  assert.doesNotMatch(ended.out + ended.err, new RegExp(canary));
  const kept = join(folder, '.autoact');
  mkdirSync(kept, { recursive: true });
  const found = readdirSync(kept, { recursive: true, encoding: 'utf8' })
    .map((name) => join(kept, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(canary));
  assert.deepEqual(found, []);
}

/** As careless servers and proxies do: the request with its header in the body of the refusal. */
const echo = (status: number) => ({
  status,
  body: JSON.stringify({ error: { message: `Bad request: Authorization: Bearer ${canary}`, code: canary } }),
});

/** The card with a tool. */
function withTool(task: string, tool: Record<string, unknown>): string {
  writeFileSync(task, JSON.stringify({ ...(JSON.parse(readFileSync(task, 'utf8')) as object), tools: [tool] }));
  return task;
}

const keyed = (baseURL: string): Record<string, unknown> => ({
  servers: { mine: { baseURL, apiKeyVariable: 'CANARY_API_KEY' } },
});

for (const [what, status, code] of [
  ['refuses the key', 401, 4],
  ['fails', 500, 5],
  ['does not know the model', 404, 4],
] as const)
  test(`promise 10: a server that ${what} and repeats the key in its answer has it nowhere`, async () => {
    await withServer(
      async (baseURL) => {
        const ended = await cli(['run', '--task', writeTask(`echo${status}`, baseURL, keyed(baseURL)), '--json']);
        assert.equal(ended.code, code, ended.err);
        nowhere(ended);
      },
      () => echo(status),
    );
  });

test('promise 10: single requests that are refused with the key in the answer are told of without it', async () => {
  const server = new CompletionServer((asked) =>
    asked.prompt.includes('traveller 3 ') ? echo(400) : metaReply(asked),
  );
  try {
    const baseURL = await server.start();
    const ended = await cli(['run', '--task', writeTask('partly', baseURL, keyed(baseURL)), '--json']);
    assert.equal(ended.code, 0, ended.err);
    nowhere(ended);
    nowhere(await cli(['doctor', '--task', 'partly.task.json']));
  } finally {
    await server.stop();
  }
});

test('promise 10: an address with a user and a password is refused before anything is written', async () => {
  const task = writeTask('userinfo', `http://user:${canary}@127.0.0.1:9/v1`);
  const ended = await cli(['run', '--task', task, '--json']);
  assert.equal(ended.code, 3, ended.err);
  assert.match(ended.err + ended.out, /servers\.mine\.baseURL.*without user and password.*apiKeyVariable/s);
  nowhere(ended);
});

test('promise 10: a search that refuses its key and repeats it has it in no message', async () => {
  const web = new JsonServer(({ headers }) => ({ status: 403, body: { error: JSON.stringify(headers) } }));
  const address = await web.start();
  try {
    process.env['BRAVE_API_KEY'] = canary;
    const task = writeTask('search', 'http://127.0.0.1:9/v1', {});
    const ended = await cli([
      'tools',
      '--task',
      withTool(task, { tool: 'Search', provider: 'brave', url: address }),
      '--call',
      'Search[Arden]',
    ]);
    assert.notEqual(ended.code, 0);
    assert.ok(web.asked.length > 0, ended.err);
    assert.match(ended.err, /does not take the key/);
    nowhere(ended);
  } finally {
    delete process.env['BRAVE_API_KEY'];
    await web.stop();
  }
});
