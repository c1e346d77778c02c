import { readFileSync } from 'node:fs';
import { targetOf } from '../../core/pipeline/context.ts';
import { RunError } from '../../core/run/runError.ts';
import type { LiveRun } from '../../node/debug/openTargets.ts';
import { sha256, type RunTargets } from '../../node/debug/runTargets.ts';
import { EngineHost } from '../../node/embedded/engineHost.ts';
import { ModelServers } from '../../node/openai/modelServers.ts';
import { packageRoot } from '../../node/packageRoot.ts';
import { defaultCacheFolder } from '../../node/store/cacheFolder.ts';
import { openTaskData } from '../../node/store/taskFile.ts';
import { openTools } from '../../node/tools/openTools.ts';
import { Toolbox } from '../../node/tools/toolbox.ts';
import { modelPath } from '../runRecords.ts';
import { toolPlace } from '../toolPlace.ts';

/** Models and tools of a run while one of its plans is debugged: opened with the session, closed with it. */
export function openLiveRun(notify: (message: string) => void, signal: AbortSignal): LiveRun {
  const closing: (() => Promise<void>)[] = [];
  let toolbox: Toolbox | undefined;
  return {
    open: async (task, taskFile) => {
      const { documents } = await openTaskData(task, taskFile, {
        cacheFolder: defaultCacheFolder(packageRoot()),
        notify,
        signal,
      });
      const opened = new Toolbox(openTools({ tools: task.tools, documents, place: toolPlace(taskFile, notify) }));
      toolbox = opened;
      closing.push(() => opened.close());
    },
    describe: (names) => {
      const found = names.map((name) =>
        toolbox?.offered.find((tool) => tool.name.toLowerCase() === name.toLowerCase()),
      );
      return found.every((tool) => tool !== undefined) ? found : undefined;
    },
    drivers: (run, method) => {
      const { settings, record } = run;
      const engine = new EngineHost({
        root: packageRoot(),
        modelPath: modelPath(packageRoot(), record.taskFile, settings),
        settings: settings.embedded,
        notify,
        signal,
      });
      closing.push(() => engine.stop());
      const models = new ModelServers({
        servers: settings.servers,
        embedded: () => engine.endpoint(),
        embeddedConcurrency: 8,
        pools: settings.pools,
        secret: (name) => process.env[name],
        known: record.capabilities ?? {},
      });
      closing.push(() => {
        models.close();
        return Promise.resolve();
      });
      const loaded = new Set<string>();
      return {
        complete: async (request, inner, item) => {
          const target = method.target(request.role);
          if (
            target.server === 'embedded' &&
            target.model !== targetOf(settings, request.role).model &&
            !loaded.has(target.model)
          ) {
            await engine.loadAdapter(target.model, adapterFile(run, target.model));
            loaded.add(target.model);
          }
          return { ...(await models.complete(target, request, inner, item)), model: target.model };
        },
        call: (request, inner) => {
          if (toolbox === undefined) throw new RunError('settings', 'The tools of this run are not open.');
          return toolbox.call(request, inner);
        },
      };
    },
    close: async () => {
      await Promise.all(closing.map((close) => close()));
    },
  };
}

/** The file of an adapter that the run trained. @throws RunError when it is not the one that was trained */
function adapterFile(run: RunTargets, model: string): string {
  const path = run.folder.file(`adapters/${model}.gguf`);
  const known = run.adapters.find((adapter) => adapter.model === model);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new RunError('run-missing', `The adapter file ${path} is gone.`, 'Resume the run: it is converted again.');
  }
  if (known === undefined || sha256(bytes) !== known.sha256)
    throw new RunError('log-corrupt', `The adapter file ${path} is not the one that was trained.`);
  return path;
}
