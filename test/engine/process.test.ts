import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { EngineError } from '../../src/node/embedded/engineErrors.ts';
import { ENTRY, call, start, temporaryFolder, writeTinyAdapter } from './support.ts';
import { writeTinyModel } from './tinyModel.ts';

const template = "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}[assistant]";

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie still has an id; it has ended all the same.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function ended(pid: number): Promise<boolean> {
  for (let i = 0; i < 100 && alive(pid); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  return !alive(pid);
}

describe('engine process', () => {
  const folder = temporaryFolder();
  let modelPath = '';
  before(async () => {
    modelPath = await writeTinyModel(join(folder.path, 'model.gguf'), { chatTemplate: template });
  });
  after(() => folder.remove());

  const refused = async (file: string, reason: string, pattern: RegExp, adapter?: string): Promise<void> => {
    await assert.rejects(
      start({ modelPath: file, ...(adapter !== undefined && { adapters: [{ name: 'a', path: adapter }] }) }),
      (error: unknown) => {
        assert.ok(EngineError.is(error));
        assert.equal(error.reason, reason, error.message);
        assert.match(error.message, pattern);
        return true;
      },
    );
  };

  it('refuses files that are no model, with a reason', async () => {
    const text = join(folder.path, 'text.gguf');
    writeFileSync(text, 'This is a page of text, and no model at all.');
    const truncated = join(folder.path, 'truncated.gguf');
    writeFileSync(truncated, readFileSync(modelPath).subarray(0, 100_000));
    const adapter = writeTinyAdapter(join(folder.path, 'adapter.gguf'));
    const foreign = writeTinyAdapter(join(folder.path, 'foreign.gguf'), { architecture: 'qwen2' });
    const wide = writeTinyAdapter(join(folder.path, 'wide.gguf'), { width: 128 });
    await Promise.all([
      refused(text, 'bad-model', /not a GGUF file/),
      refused(truncated, 'bad-model', /truncated/),
      refused(join(folder.path, 'none.gguf'), 'bad-model', /Cannot read/),
      refused(adapter, 'bad-model', /LoRA adapter, not a model/),
    ]);
    await Promise.all([
      refused(modelPath, 'bad-adapter', /architecture qwen2/, foreign),
      refused(modelPath, 'bad-adapter', /wrong shape/, wide),
      refused(modelPath, 'bad-adapter', /not a LoRA adapter/, modelPath),
    ]);
  });

  it('a crash is reported and leaves the parent alone; stop ends it cleanly', async () => {
    const crashed = await start({ modelPath });
    process.kill(crashed.pid, 'SIGSEGV');
    const exit = await crashed.exited;
    assert.equal(exit.signal, 'SIGSEGV');
    await assert.rejects(crashed.loadAdapter('x', modelPath), { reason: 'crashed' });
    const stopped = await start({ modelPath });
    await stopped.stop();
    assert.deepEqual(await stopped.exited, { code: 0, signal: null });
  });

  it('uses the chat template of the model', async () => {
    const engine = await start({ modelPath });
    try {
      const chat = await call(engine, '/chat/completions', {
        model: 'base',
        messages: [{ role: 'user', content: 'hi there' }],
        max_tokens: 1,
        temperature: 0,
        logprobs: true,
      });
      const plain = await call(engine, '/completions', {
        model: 'base',
        prompt: '[user]hi there[assistant]',
        max_tokens: 1,
        temperature: 0,
        logprobs: 0,
      });
      assert.equal(chat.status, 200, JSON.stringify(chat.body));
      assert.equal(chat.body.usage.prompt_tokens, plain.body.usage.prompt_tokens);
      assert.ok(
        Math.abs(
          (chat.body.choices[0].logprobs.content[0]?.logprob ?? 9) -
            (plain.body.choices[0].logprobs.token_logprobs[0] ?? 0),
        ) < 0.02,
      );
    } finally {
      await engine.stop();
    }
  });

  it('an abort while loading or running ends the process', async () => {
    const controller = new AbortController();
    const engine = await start({ modelPath, signal: controller.signal });
    controller.abort();
    await engine.exited;
    assert.equal(alive(engine.pid), false);
    await assert.rejects(start({ modelPath, signal: controller.signal }), { reason: 'aborted' });
  });

  it('dies with a parent that is killed', async () => {
    const script = `import { startEngine } from ${JSON.stringify(join(ENTRY, '../engine.ts'))};
      const engine = await startEngine({ entry: ${JSON.stringify(ENTRY)}, modelPath: ${JSON.stringify(modelPath)}, contextSize: 256, parallel: 2 });
      console.log(engine.pid); setInterval(() => {}, 1000);`;
    const parent = spawn(
      process.execPath,
      ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', '--input-type=module-typescript', '-e', script],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [chunk] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(chunk.toString().trim());
    assert.ok(alive(pid));
    parent.kill('SIGKILL');
    assert.ok(await ended(pid), 'the engine outlived its parent');
  });

  it('runs by hand: JSON lines on standard output, exit codes, and the end of standard input ends it', async () => {
    const config = {
      modelPath,
      baseNames: ['base'],
      adapters: [],
      parallel: 1,
      contextSize: 128,
      apiKey: 'k'.repeat(20),
    };
    const run = (value: unknown): ReturnType<typeof spawn> =>
      spawn(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', ENTRY], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, AUTOACT_ENGINE_CONFIG: JSON.stringify(value) },
      });
    const child = run(config);
    after(() => child.kill('SIGKILL'));
    let output = '';
    await new Promise<void>((resolve) =>
      child.stdout?.on(
        'data',
        (chunk: Buffer) => (output += chunk.toString()).includes('"ready"') && output.endsWith('\n') && resolve(),
      ),
    );
    const lines = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    assert.deepEqual([...new Set(lines.map((line) => line.type))], ['progress', 'ready']);
    child.stdin?.end();
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    const bad = run({ ...config, modelPath: join(folder.path, 'text.gguf') });
    assert.deepEqual(await once(bad, 'exit'), [65, null]);
  });
});
