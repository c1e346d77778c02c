import * as z from 'zod';
import { withoutObviousBounds } from '../task/taskSchema.ts';
import { Study } from './study.ts';

/** The JSON schema of `*.study.json`: completion, help and validation in an editor come from it. */
export function studySchema(): unknown {
  const schema = z.toJSONSchema(Study, { io: 'input', target: 'draft-7' }) as Record<string, unknown>;
  const method = (name: string, run: string): unknown => ({ id: name, run, system: 'autoact' });
  return withoutObviousBounds({
    ...schema,
    title: 'AutoAct study',
    description: 'A blind comparison of trajectories by people.',
    defaultSnippets: [
      {
        label: 'Study',
        description: 'Two methods, two annotators, the paper’s five aspects',
        body: {
          name: '$1',
          methods: [method('${2:first}', '${3:run id}'), method('${4:second}', '${5:run id}')],
          raters: ['${6:ann}', '${7:ben}'],
        },
      },
    ],
  });
}
