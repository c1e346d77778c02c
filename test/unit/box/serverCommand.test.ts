import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JobError } from '../../../src/node/box/boxErrors.ts';
import { flagsOf, ownCommand, sglangCommand, vllmCommand } from '../../../src/node/box/serving/serverCommand.ts';
import type { ServePlan } from '../../../src/node/box/serving/serverCommand.ts';

/** In the manner of `vllm serve --help=all`. */
const vllmHelp = `usage: vllm serve [model_tag] [options]

Frontend:
  --host HOST           Host name. (default: None)
  --port PORT           Port number. (default: 8000)
  --lora-modules LORA_MODULES [LORA_MODULES ...]
                        LoRA modules in either 'name=path' format or JSON format.
ModelConfig:
  --max-model-len MAX_MODEL_LEN
  --generation-config GENERATION_CONFIG
                        'auto', or 'vllm': no generation config is loaded.
  --seed SEED           Random seed for reproducibility.
  --served-model-name SERVED_MODEL_NAME [SERVED_MODEL_NAME ...]
LoRAConfig:
  --enable-lora, --no-enable-lora
                        If True, enable handling of LoRA adapters.
  --max-loras MAX_LORAS
  --max-lora-rank {1,8,16,32,64,128,256,320,512}
  --max-cpu-loras MAX_CPU_LORAS
CacheConfig:
  --gpu-memory-utilization GPU_MEMORY_UTILIZATION
`;
const found = { program: '/opt/vllm/bin/vllm', help: vllmHelp };
const plan: ServePlan = {
  base: '/models/base',
  adapters: [
    { model: 'plan-3f2a9c01', path: '/jobs/1/out/plan', rank: 8 },
    { model: 'tool-00ff00ff', path: '/jobs/1/out/tool dir', rank: 12 },
  ],
  contextLength: 4608,
  seed: 7,
};
const refused = (words: RegExp) => (error: unknown) => JobError.is(error, 'cannot-start') && words.test(error.message);

describe('vLLM’s command line', () => {
  it('serves base and adapters on loopback under names that tell their content', () => {
    assert.deepEqual(vllmCommand(found, plan), {
      command: [
        ...['/opt/vllm/bin/vllm', 'serve', '/models/base', '--host', '{host}', '--port', '{port}'],
        ...['--served-model-name', 'base', '--enable-lora'],
        ...['--lora-modules', 'plan-3f2a9c01=/jobs/1/out/plan', 'tool-00ff00ff=/jobs/1/out/tool dir'],
        ...['--max-loras', '2', '--max-cpu-loras', '2', '--max-lora-rank', '16'],
        ...['--max-model-len', '4608', '--generation-config', 'vllm', '--seed', '7'],
      ],
      leftOut: [],
    });
  });

  it('has no key in it, which other users could read', () => {
    assert.ok(!vllmCommand(found, plan).command.some((word) => /key/i.test(word)));
  });

  it('leaves out what this version does not know, and says so', () => {
    const older = vllmHelp.replace(/ +--generation-config[^\n]*\n[^\n]*\n/, '').replace(/ +--max-cpu-loras.*\n/, '');
    const { command, leftOut } = vllmCommand({ ...found, help: older }, plan);
    assert.deepEqual(leftOut, ['--max-cpu-loras', '--generation-config']);
    assert.ok(!command.includes('vllm') && !command.includes('--max-cpu-loras'));
  });

  it('is refused where something else would be served', () => {
    const without = { ...found, help: vllmHelp.replace('--enable-lora, --no-enable-lora', '--enable-loras') };
    assert.throws(() => vllmCommand(without, plan), refused(/\/opt\/vllm\/bin\/vllm does not know --enable-lora/));
    assert.ok(vllmCommand(without, { ...plan, adapters: [] }).command.includes('--port'));
  });

  it('takes the next rank that this version has, and refuses one above all of them', () => {
    const rank = (wanted: number, help = vllmHelp): string | undefined => {
      const { command } = vllmCommand(
        { ...found, help },
        { ...plan, adapters: [{ model: 'a', path: '/a', rank: wanted }] },
      );
      return command[command.indexOf('--max-lora-rank') + 1];
    };
    assert.deepEqual([rank(1), rank(8), rank(9), rank(300)], ['1', '8', '16', '320']);
    assert.equal(rank(1, vllmHelp.replace(/\{1,8[^}]*\}/, 'MAX_LORA_RANK')), '8');
    assert.throws(() => rank(600), refused(/rank 512, and one has rank 600/));
  });

  it('takes of a GPU that others use no more than is free', () => {
    const share = (freeMemory: number): string | undefined => {
      const { command } = vllmCommand(found, { ...plan, freeMemory });
      const at = command.indexOf('--gpu-memory-utilization');
      return at < 0 ? undefined : command[at + 1];
    };
    assert.deepEqual([share(0.99), share(0.5), share(0.01)], [undefined, '0.47', '0.05']);
  });

  it('reads flags as flags only', () => {
    assert.deepEqual(flagsOf('a --max-loras N\n [--no-x] x--y ---z --'), new Set(['--max-loras', '--no-x']));
  });
});

describe('other servers', () => {
  it('SGLang is run by its interpreter', () => {
    const help = '--model-path --host --port --served-model-name --lora-paths --context-length --random-seed';
    const { command, leftOut } = sglangCommand({ program: '/opt/sgl/bin/python', help }, plan);
    assert.deepEqual(command.slice(0, 5), [
      '/opt/sgl/bin/python',
      '-m',
      'sglang.launch_server',
      '--model-path',
      '/models/base',
    ]);
    assert.ok(command.includes('tool-00ff00ff=/jobs/1/out/tool dir'));
    assert.deepEqual(leftOut, ['--enable-lora', '--max-loras-per-batch', '--max-lora-rank', '--sampling-defaults']);
    assert.throws(() => sglangCommand({ program: 'p', help: '--host --port' }, plan), refused(/--model-path/));
  });

  it('a command of the user’s is taken as it is, with what stands in braces filled in', () => {
    assert.deepEqual(ownCommand(['serve it', '--at={port}', '{base}', '--adapters', '{adapters}'], plan).command, [
      ...['serve it', '--at={port}', '/models/base', '--adapters'],
      ...['plan-3f2a9c01=/jobs/1/out/plan', 'tool-00ff00ff=/jobs/1/out/tool dir'],
    ]);
    assert.throws(() => ownCommand(['serve'], plan), refused(/\{port\}/));
    const onNode = { ...plan, onNode: true };
    assert.throws(() => ownCommand(['serve', '{port}'], onNode), refused(/\{host\}/));
    assert.deepEqual(ownCommand(['serve', '{host}:{port}'], onNode).command, ['serve', '{host}:{port}']);
  });
});
