import type { Command } from 'commander';
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { targetOf } from '../../core/pipeline/context.ts';
import { describeError } from '../../core/pipeline/stages/stage.ts';
import { describeCapabilities } from '../../core/run/capabilities.ts';
import { resolveSettings, settingFromText } from '../../core/pipeline/settings.ts';
import { startEngine } from '../../node/embedded/engine.ts';
import { engineFolder } from '../../node/embedded/engineInstall.ts';
import { locateEngine } from '../../node/embedded/engineLocation.ts';
import { installedPython } from '../../node/box/pythonEnvironment.ts';
import { ModelServers } from '../../node/openai/modelServers.ts';
import { packageRoot, packageVersion } from '../../node/packageRoot.ts';
import { loadTaskCard } from '../../node/store/taskFile.ts';
import { act, printJson, type CommonOptions } from '../action.ts';
import { collect } from './run.ts';
import { libraryOf } from './tools.ts';
import { editorHere } from '../editorPrompts.ts';
import { exitCodes } from '../exitCodes.ts';
import { modelPath } from '../runRecords.ts';

interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  readonly remedy?: string;
}

interface DoctorOptions extends CommonOptions {
  readonly task?: string;
  readonly workspace: string;
  readonly setting: readonly string[];
}

/** Training and logs need some room. */
const wantedFreeBytes = 2e9;

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .option('-t, --task <file>', 'check the servers and models of this task card too')
    .option('-w, --workspace <folder>', 'folder that holds .autoact/', '.')
    .option('-s, --setting <name=value>', 'as a run would be given it; may be given again', collect, [])
    .option('--json', 'print JSON')
    .action((options: DoctorOptions) =>
      act(options, async (signal) => {
        const checks = await examine(options, signal);
        if (options.json === true) printJson(checks);
        else {
          const mark = { ok: '✓', warning: '!', failed: '✗' };
          for (const c of checks)
            process.stdout.write(
              `${mark[c.state]} ${c.name.padEnd(16)} ${c.detail}\n${c.remedy === undefined ? '' : `  ${' '.repeat(16)} ${c.remedy}\n`}`,
            );
        }
        return checks.some((c) => c.state === 'failed') ? exitCodes.unhealthy : exitCodes.ok;
      }),
    );
}

/** One line for all tools that are in order, one for each that is not; a tool that the card names has to be. */
async function checkTools(
  task: string,
  workspace: string,
  check: (name: string, work: () => Promise<string>) => Promise<void>,
  checks: Check[],
  signal: AbortSignal,
): Promise<void> {
  await check('Tools', async () => {
    const { available, unavailable, named } = await libraryOf({ task, workspace }, signal);
    for (const { name, reason, remedy } of unavailable)
      checks.push({
        name: `Tool ${name}`,
        state: named?.includes(name) === true ? 'failed' : 'warning',
        detail: reason,
        remedy,
      });
    return `${available.map(({ description }) => description.name).join(', ')} can be used`;
  });
}

async function examine(options: DoctorOptions, signal: AbortSignal): Promise<Check[]> {
  const root = packageRoot();
  const workspace = resolve(options.workspace);
  const taskFile = resolve(options.task ?? join(root, 'starter', 'starter.task.json'));
  const checks: Check[] = [
    {
      name: 'AutoAct',
      state: 'ok',
      detail: `${packageVersion(root)} on Node ${process.version}, ${process.platform} ${process.arch}`,
    },
  ];
  const check = async (name: string, work: () => Promise<string> | string): Promise<void> => {
    try {
      checks.push({ name, state: 'ok', detail: await work() });
    } catch (error) {
      const { message, remedy } = describeError(error);
      checks.push({ name, state: 'failed', detail: message, ...(remedy === undefined ? {} : { remedy }) });
    }
  };
  let settings = resolveSettings();
  await check('Task card', () => {
    settings = resolveSettings(loadTaskCard(taskFile).settings, ...options.setting.map(settingFromText));
    return taskFile;
  });
  await check('Workspace', () => {
    const folder = join(workspace, '.autoact');
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < wantedFreeBytes)
      throw new Error(
        `Only ${((bavail * bsize) / 1e9).toFixed(1)} GB are free at ${folder}; a run with training wants ${wantedFreeBytes / 1e9} GB.`,
      );
    return `${folder} can be written, ${((bavail * bsize) / 1e9).toFixed(0)} GB free`;
  });
  const targets = [
    ...new Map(
      ['meta', 'plan', 'tool', 'reflect']
        .map((role) => targetOf(settings, role))
        .map((t) => [`${t.server}/${t.model}`, t]),
    ).values(),
  ];
  if (targets.some((t) => t.server === 'embedded')) {
    await check('Engine', async () => {
      const { version, module } = locateEngine([root, engineFolder(root)]);
      const model = modelPath(root, taskFile, settings);
      if (!existsSync(model))
        throw new Error(`node-llama-cpp ${version} is there, but the model file ${model} is not.`);
      const engine = await startEngine({
        entry: join(root, 'dist', 'engine.js'),
        module,
        modelPath: model,
        contextSize: 512,
        parallel: 1,
        signal,
      });
      await engine.stop();
      return `node-llama-cpp ${version} loads ${model}`;
    });
  }
  const models = new ModelServers({
    servers: settings.servers,
    pools: settings.pools,
    embedded: () => Promise.reject(new Error('checked apart')),
    embeddedConcurrency: 1,
    secret: (name) => process.env[name],
    editor: editorHere()?.models,
  });
  for (const target of targets.filter((t) => t.server !== 'embedded')) {
    await check(`Server ${target.server}`, async () => {
      await models.check(target, signal);
      const found = [...(await models.capabilities(target, signal))];
      const shown = found.map(([name, c]) => `${found.length > 1 ? `${name}: ` : ''}${describeCapabilities(c)}`);
      return `answers and knows "${target.model}": ${shown.join(' | ')}`;
    });
  }
  models.close();
  if (options.task !== undefined) await checkTools(options.task, workspace, check, checks, signal);
  await check('Python', async () => {
    const python = await installedPython({ signal });
    if (python === undefined)
      throw Object.assign(new Error('The Python environment for training is not installed yet.'), {
        remedy:
          'It is installed when a run first trains (npm start does it), or set AUTOACT_PYTHON to an interpreter with torch, transformers and peft.',
      });
    const { stdout } = await promisify(execFile)(
      python,
      [
        '-c',
        'import importlib.metadata as m;print(", ".join(f"{p} {m.version(p)}" for p in ("torch","transformers","peft")))',
      ],
      { signal },
    );
    return `${python}: ${stdout.trim()}`;
  });
  return checks;
}
