import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CliEvent } from '../../../src/core/run/status.ts';
import { RunnerError, RunnerProcess, parseEvent } from '../../../src/node/runnerProcess.ts';
import type { RunnerProcessOptions } from '../../../src/node/runnerProcess.ts';

const cli = fileURLToPath(new URL('../../doubles/cli.mjs', import.meta.url));

function start(args: readonly string[], options: Partial<RunnerProcessOptions> = {}) {
  const events: CliEvent[] = [];
  const lines: string[] = [];
  let onFirst: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (onFirst = resolve));
  const runner = new RunnerProcess({
    cli,
    args,
    cwd: tmpdir(),
    onEvent: (event) => {
      events.push(event);
      onFirst();
    },
    onLine: (line, stream) => lines.push(`${stream}: ${line}`),
    ...options,
  });
  return { runner, events, lines, first };
}

describe('runner process', () => {
  it('reads events, passes other lines on, and hands arguments over as they are', async () => {
    const hostile = '$(touch /tmp/x) "; rm -rf ~ \'';
    const { runner, events, lines } = start(['events', hostile], { env: { SECRET: 'canary' } });
    const exit = await runner.done;
    assert.deepEqual([exit.code, exit.killed], [0, false]);
    assert.deepEqual(lines, ['stdout: a library says hello', 'stdout: {"type":"unknown"}']);
    assert.deepEqual(
      events.map((event) => (event.type === 'notice' ? event.message : event.type)),
      [`arguments: ${JSON.stringify([hostile])}`, 'environment: canary none', 'done'],
    );
  });

  it('gives the error event, the exit code and the last lines', async () => {
    const { runner, events } = start(['fail']);
    const exit = await runner.done;
    assert.equal(exit.code, 4);
    assert.deepEqual(exit.tail, ['at the end of the log']);
    assert.deepEqual(events, [
      { type: 'error', reason: 'server', message: 'The server is gone.', remedy: 'Start it.' },
    ]);
  });

  it('cancels by asking', async () => {
    const { runner, events, first } = start(['polite']);
    await first;
    runner.cancel();
    runner.cancel();
    const exit = await runner.done;
    assert.deepEqual([exit.code, exit.killed], [130, false]);
    assert.equal(events.at(-1)?.type, 'done');
  });

  it('kills what does not end within the grace time', async () => {
    const { runner, first } = start(['stubborn'], { graceMs: 150 });
    await first;
    const before = performance.now();
    runner.cancel();
    const exit = await runner.done;
    assert.deepEqual([exit.signal, exit.killed], ['SIGKILL', true]);
    assert.ok(performance.now() - before >= 140);
  });

  it('says what to do when the program cannot be started', async () => {
    const { runner } = start(['events'], { execPath: '/does/not/exist' });
    await assert.rejects(runner.done, (error) => RunnerError.is(error, 'spawn') && /Reinstall/.test(error.message));
  });

  it('takes no other JSON for an event', () => {
    for (const line of ['', 'x', '[]', '{}', '{"type":"done"}', '{"type":'])
      assert.equal(parseEvent(line), undefined, line);
  });
});
