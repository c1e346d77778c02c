import assert from 'node:assert/strict';
import { commandIds } from '../../src/contrib/commands.ts';
import type { CommandId } from '../../src/contrib/commands.ts';
import { boxUses } from './commands/boxUses.ts';
import { debugUses } from './commands/debugUses.ts';
import { generalUses } from './commands/generalUses.ts';
import { labelUses } from './commands/labelUses.ts';
import { runUses } from './commands/runUses.ts';
import { servers } from './commands/scene.ts';
import { closeTabs, useCommand, type Use } from './commands/use.ts';
import { hostTest } from './registry.ts';

const uses = { ...generalUses, ...runUses, ...labelUses, ...debugUses, ...boxUses };

hostTest('every command of the registry is used by a test', () => {
  assert.deepEqual(Object.keys(uses).sort(), [...commandIds].sort());
});

for (const [id, use] of Object.entries(uses) as [CommandId, Use][])
  hostTest(`${id}: ${use.effect}`, async () => {
    await closeTabs();
    try {
      await useCommand(id, use);
    } finally {
      await closeTabs();
    }
  });

hostTest('the servers of the commands’ runs are closed', async () => {
  for (const server of servers) await server.stop();
});
