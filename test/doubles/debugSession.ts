import { setImmediate } from 'node:timers/promises';
import type { OpenedTargets } from '../../src/dap/ports.ts';
import { PlanDebugSession } from '../../src/dap/session.ts';
import type { LaunchArguments } from '../../src/core/debug/launch.ts';
import { describeStandardTools } from '../../src/node/debug/describeTools.ts';
import { openTargets, type LiveRun } from '../../src/node/debug/openTargets.ts';
import { sha256 } from '../../src/node/debug/runTargets.ts';
import { DapClient, inProcess } from './dapClient.ts';

export interface SessionParts {
  readonly open?: (launch: LaunchArguments, signal: AbortSignal) => Promise<OpenedTargets>;
  readonly forkScheme?: string;
  readonly live?: (signal: AbortSignal) => LiveRun;
}

/** A session in this process with a client that speaks to it. */
export function debugSession({ open, forkScheme, live }: SessionParts = {}): DapClient {
  const session = new PlanDebugSession({
    open:
      open ??
      ((launch, signal) =>
        openTargets(
          launch,
          {
            promptsFolder: 'prompts',
            describe: describeStandardTools,
            ...(forkScheme === undefined ? {} : { forkScheme }),
            ...(live === undefined ? {} : { live }),
          },
          signal,
        )),
    hash: sha256,
    now: () => 0,
    breathe: () => setImmediate(),
  });
  return new DapClient(inProcess(session));
}
