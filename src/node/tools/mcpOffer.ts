import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { McpTool } from '../../core/tools/toolConfig.ts';
import { fingerprint } from './approvals.ts';
import type { ToolPlace } from './provide.ts';

export type McpEntry = z.infer<typeof McpTool>;

/** What a server says of a tool, as far as it is used. It is part of what the user approves. */
export const Offered = z.object({
  name: z.string(),
  description: z.string().default(''),
  inputSchema: z.object({
    properties: z.record(z.string(), z.object({ type: z.unknown().optional() })).default({}),
    required: z.array(z.string()).default([]),
  }),
});
export type Offered = z.infer<typeof Offered>;

export const hashOfOffer = (offered: Offered): string =>
  createHash('sha256').update(JSON.stringify(offered)).digest('hex');

/** Hash of how the server is reached: what it offers is approved beside it. */
export function mcpFingerprint(entry: McpEntry, { folder }: ToolPlace): string {
  const { tool, as, command, url, apiKeyVariable, argument } = entry;
  return fingerprint({ tool, as, command, url, apiKeyVariable, argument }, command ?? [], folder);
}
