import { runPipeline } from '../../src/core/pipeline/pipeline.ts';
import { openSession } from '../../src/cli/session.ts';
import { metaServer } from './metaServer.ts';
import { writeScriptedTask } from './scriptedTask.ts';
import type { CompletionServer } from './completionServer.ts';

export interface ScriptedRun {
  readonly id: string;
  readonly server: CompletionServer;
  readonly task: string;
}

/** A real run of the pipeline with the untrained system, against a server that answers from a script and goes on listening. */
export async function scriptedRun(workspace: string, name = 'travellers'): Promise<ScriptedRun> {
  const server = metaServer();
  const baseURL = await server.start();
  const task = writeScriptedTask(workspace, name, baseURL);
  const session = await openSession({
    workspace,
    taskFile: task,
    settings: [],
    signal: new AbortController().signal,
    publish: () => undefined,
    notify: () => undefined,
  });
  try {
    await runPipeline(session.context, 'report', (models) => session.provenance(models));
    session.context.tracker.finish('done');
  } finally {
    await session.close();
  }
  return { id: session.folder.id, server, task };
}
