#!/usr/bin/env node
// Writes media/task.schema.json from the zod schema of the task card, so that what the JSON editor accepts is what the
// loop accepts; a unit test compares the two. Needs Node 24, which runs TypeScript.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { taskSchema } from '../src/core/task/taskSchema.ts';

const file = fileURLToPath(new URL('../media/task.schema.json', import.meta.url));
writeFileSync(file, await format(JSON.stringify(taskSchema()), { parser: 'json', printWidth: 120 }));
