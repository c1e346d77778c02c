#!/usr/bin/env node
// Writes media/task.schema.json and media/study.schema.json from the zod schemas, so that what the JSON editor accepts
// is what the loop accepts; unit tests compare them. Needs Node 24, which runs TypeScript.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { studySchema } from '../src/core/annotate/studySchema.ts';
import { taskSchema } from '../src/core/task/taskSchema.ts';

for (const [name, schema] of [
  ['task', taskSchema()],
  ['study', studySchema()],
]) {
  const file = fileURLToPath(new URL(`../media/${name}.schema.json`, import.meta.url));
  writeFileSync(file, await format(JSON.stringify(schema), { parser: 'json', printWidth: 120 }));
}
