import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import { DapClient, transcript } from '../doubles/dapClient.ts';
import { overPipes } from '../doubles/pipes.ts';
import { debugSession } from '../doubles/debugSession.ts';
import { fullTour, writePublished } from '../unit/dap/scenario.ts';
import { assertGolden } from './golden.ts';

/** The contract with the editor: one log, whichever way the messages go. */
const golden = 'dap-replay.txt';

for (const [how, tour] of [
  [
    'in process',
    async (files: ReturnType<typeof writePublished>) => {
      const client = debugSession();
      await fullTour(client, files);
      return [...client.log];
    },
  ],
  [
    'over stdio',
    async (files: ReturnType<typeof writePublished>) => {
      const adapter = new DebugClient(process.execPath, 'test/doubles/debugAdapter.ts', 'autoact');
      const client = new DapClient(overPipes(adapter));
      await adapter.start();
      try {
        await fullTour(client, files);
        return [...client.log];
      } finally {
        await adapter.stop();
      }
    },
  ],
] as const)
  test(`the protocol’s messages ${how} are the accepted ones`, async () => {
    const files = writePublished();
    try {
      const log = await tour(files);
      assertGolden(golden, transcript(log, (text) => text.replaceAll(files.workspace, '/workspace')));
    } finally {
      rmSync(files.workspace, { recursive: true });
    }
  });
