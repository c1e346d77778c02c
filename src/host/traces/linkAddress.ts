import { isAbsolute } from 'node:path';
import * as z from 'zod';

/**
 * `vscode://autoact.autoact/trace?run=…&item=…&step=…`, or with `file` and `line`. Anyone can write such a link on any
 * page, so nothing in it is believed that is not checked here.
 */
const Step = z.coerce.number().int().positive().max(1e6).optional();
const Run = z.string().regex(/^\w[\w.-]{0,200}$/);
const Link = z.union([
  z.object({
    run: Run,
    item: z
      .string()
      .min(1)
      .max(500)
      .refine((item) => !item.split('/').includes('..')),
    step: Step,
  }),
  z.object({ run: Run, item: z.undefined().optional() }),
  z.object({
    file: z.string().max(4000).endsWith('.jsonl').refine(isAbsolute),
    line: z.coerce.number().int().positive().max(1e9),
    step: Step,
  }),
]);
export type Link = z.infer<typeof Link>;

/** Undefined where path and query of a link name no trajectory. */
export function parseLink(path: string, query: string): Link | undefined {
  const parsed = Link.safeParse(Object.fromEntries(new URLSearchParams(query)));
  return path === '/trace' && parsed.success ? parsed.data : undefined;
}
