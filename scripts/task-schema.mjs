#!/usr/bin/env node
// Writes media/task.schema.json from the zod schema of the task card, so that what the JSON editor accepts is what the
// loop accepts. With --check it only says whether the file is up to date. Needs Node 24, which runs TypeScript.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { renderTaskSchema } from '../src/core/task/taskSchema.ts';

const file = fileURLToPath(new URL('../media/task.schema.json', import.meta.url));
const text = renderTaskSchema();
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('media/task.schema.json is out of date: run node scripts/task-schema.mjs');
  process.exitCode = 1;
}
