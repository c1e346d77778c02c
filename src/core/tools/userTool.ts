import * as z from 'zod';
import { carriesCredentials } from '../run/address.ts';
import type { ToolDescription } from './library.ts';
import { cleanLine } from './observation.ts';

/** A name that stands before the bracket of an action, and is not one of the loop's own. */
export const ToolName = z
  .string()
  .regex(/^[A-Za-z]\w{0,39}$/, 'a name has letters, digits and _, and begins with a letter')
  .refine((name) => !['finish', 'reflect'].includes(name.toLowerCase()), 'Finish and Reflect belong to the loop');
const line = z.string().min(1).max(2000);
export const placeholder = '{{argument}}';

/**
 * A tool of the user's own, `*.tool.json`: what agents read of it, and a command or an HTTP call that answers. Nothing of
 * it runs before its user has approved exactly this description.
 */
export const UserTool = z
  .strictObject({
    $schema: z.string().optional(),
    name: ToolName,
    argument: line,
    definition: line,
    usage: line,
    /** Program and arguments, never a shell. An element {{argument}} is the argument; without one it goes to stdin. */
    command: z.array(line).min(1).max(40).optional(),
    http: z
      .strictObject({
        /** {{argument}} may stand in its path and query, and is encoded there. */
        url: line,
        method: z.enum(['GET', 'POST']).default('GET'),
        headers: z.record(z.string(), line).default({}),
        /** JSON in which {{argument}} may stand within a string. */
        body: z.string().max(10_000).optional(),
        /** JSON pointer of the part of the answer that is shown, such as /results/0/text. */
        pick: z.string().startsWith('/').optional(),
      })
      .optional(),
    /** Environment variable of a key: a command gets it, headers name it as {{key}}. */
    apiKeyVariable: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]*_API_KEY$/)
      .optional(),
    timeoutSeconds: z.number().min(1).max(600).default(20),
  })
  .refine((tool) => (tool.command === undefined) !== (tool.http === undefined), 'it has either a command or http')
  .refine((tool) => tool.command?.[0] !== placeholder, 'the program itself may not be the argument')
  .refine((tool) => tool.command?.every((part) => part === placeholder || !part.includes(placeholder)) ?? true, {
    message: `${placeholder} is an element of its own`,
  })
  .refine((tool) => tool.http === undefined || safeUrl(tool.http.url), {
    message:
      'the address is http or https, without user and password, and the argument stands in its path or query alone',
  });
export type UserTool = z.infer<typeof UserTool>;

/** Neither scheme nor host may hang on what a model writes. */
function safeUrl(url: string): boolean {
  const [a, b] = ['a', 'b.c@d:1/e'].map((text) => url.replaceAll(placeholder, encodeURIComponent(text)));
  if (a === undefined || b === undefined || !URL.canParse(a) || !URL.canParse(b)) return false;
  const [one, other] = [new URL(a), new URL(b)];
  return /^https?:$/.test(one.protocol) && one.origin === other.origin && !carriesCredentials(a);
}

/** As prompts have it: descriptions from elsewhere are one short line each. */
export function describeUserTool(tool: Omit<ToolDescription, 'aliases'>): ToolDescription {
  return {
    name: tool.name,
    argument: cleanLine(tool.argument, 60).replace(/[[\]]/g, ' '),
    definition: cleanLine(tool.definition, 300),
    usage: cleanLine(tool.usage, 160),
    aliases: [],
  };
}

/** The part of an answer that a JSON pointer names; undefined where there is none. */
export function pick(value: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (at, part) =>
        typeof at === 'object' && at !== null && Object.hasOwn(at, part)
          ? (at as Record<string, unknown>)[part]
          : undefined,
      value,
    );
}
