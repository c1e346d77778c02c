import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemTable } from '../../../src/core/methods/systems.ts';
import { systemOf } from '../../../src/core/pipeline/evaluation.ts';
import { Settings } from '../../../src/core/pipeline/settings.ts';

const box = (model: string) => ({ server: 'box', model });
const settings = (roles: Record<string, { server: string; model: string }>) => Settings.parse({ roles });

test('zero-shot is called so while one base model answers in all roles', () => {
  assert.equal(systemOf('zero-shot', settings({})), systemTable['zero-shot']);
  assert.equal(systemOf('zero-shot', settings({ default: box('llama') })), systemTable['zero-shot']);
  // Who writes the questions is no part of the group.
  assert.equal(systemOf('zero-shot', settings({ meta: box('larger') })), systemTable['zero-shot']);
});

test('a role map with a model of its own for each agent is not called zero-shot', () => {
  const own = settings({ plan: box('plan-1a'), tool: box('tool-2b'), reflect: box('reflect-3c') });
  assert.equal(
    systemOf('zero-shot', own).title,
    'models of the role map (plan plan-1a, tool tool-2b, reflect reflect-3c)',
  );
  assert.equal(systemOf('zero-shot', own).id, 'zero-shot');
  assert.equal(systemOf('autoact', own), systemTable.autoact);
});
