import type { ToolEntry, ToolList } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { approve } from './approvals.ts';
import { inspectMcp } from './mcpClient.ts';
import { mcpFingerprint } from './mcpOffer.ts';
import type { ToolPlace } from './provide.ts';
import { readUserTool } from './userTools.ts';

/** What was approved, for whoever did it to read. */
export interface Approved {
  readonly name: string;
  readonly sha256: string;
  readonly what: unknown;
}

type Approvable = Extract<ToolEntry, { provider: 'description' | 'mcp' }>;

/**
 * Approves a tool of the card by its name: exactly the description that is read here, and for an MCP server what it says
 * of its tool now, for which it is started or reached.
 * @throws ToolError
 */
export async function approveTool(
  name: string,
  tools: ToolList | undefined,
  place: ToolPlace,
  signal: AbortSignal,
): Promise<Approved> {
  const entries = (tools ?? []).filter(
    (one): one is Approvable => typeof one !== 'string' && (one.provider === 'description' || one.provider === 'mcp'),
  );
  const nameOf = (entry: Approvable): string => (entry.provider === 'mcp' ? (entry.as ?? entry.tool) : entry.tool);
  const entry = entries.find((one) => nameOf(one) === name);
  if (entry === undefined)
    throw new ToolError(
      'not-configured',
      `There is no tool "${name}" to approve in the task card.`,
      `It has ${entries.map(nameOf).join(', ') || 'none that needs approval'}.`,
    );
  if (entry.provider === 'description') {
    const { tool, sha256 } = readUserTool(entry, place);
    approve({ sha256, name }, place.approvals);
    return { name, sha256, what: tool };
  }
  const sha256 = mcpFingerprint(entry, place);
  const detail = await inspectMcp(entry, place, signal);
  approve({ sha256, name, detail }, place.approvals);
  return { name, sha256, what: { command: entry.command, url: entry.url, tool: detail } };
}
