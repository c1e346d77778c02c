import type { ToolEntry, ToolList } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { approve, findApproval } from './approvals.ts';
import { inspectMcp } from './mcpClient.ts';
import { mcpFingerprint } from './mcpOffer.ts';
import type { ToolPlace } from './provide.ts';
import { readUserTool } from './userTools.ts';

/** A tool of the user's own, and what approving it would allow. */
export interface ToApprove {
  readonly name: string;
  readonly sha256: string;
  /** The description, or how an MCP server is reached. */
  readonly what: unknown;
  readonly approved: boolean;
}

type Approvable = Extract<ToolEntry, { provider: 'description' | 'mcp' }>;

const nameOf = (entry: Approvable): string => (entry.provider === 'mcp' ? (entry.as ?? entry.tool) : entry.tool);

function approvable(tools: ToolList | undefined): Approvable[] {
  return (tools ?? []).filter(
    (one): one is Approvable => typeof one !== 'string' && (one.provider === 'description' || one.provider === 'mcp'),
  );
}

/** The tools of a card that have to be approved, as they are described now; starts nothing. @throws ToolError */
export function toolsToApprove(tools: ToolList | undefined, place: ToolPlace): ToApprove[] {
  return approvable(tools).map((entry) => describe(entry, place));
}

function describe(entry: Approvable, place: ToolPlace): ToApprove {
  const name = nameOf(entry);
  if (entry.provider === 'description') {
    const { tool, sha256 } = readUserTool(entry, place);
    return { name, sha256, what: tool, approved: findApproval(sha256, place.approvals) !== undefined };
  }
  const sha256 = mcpFingerprint(entry, place);
  const { command, url, tool, apiKeyVariable } = entry;
  const what = { mcp: { tool, command, url, apiKeyVariable } };
  return { name, sha256, what, approved: findApproval(sha256, place.approvals) !== undefined };
}

/**
 * Approves a tool of the card by its name: exactly the description that is read here, and for an MCP server what it says
 * of its tool now, for which it is started or reached.
 * @param shown hash of what the user was shown before; what has changed since is not approved
 * @throws ToolError
 */
export async function approveTool(
  name: string,
  tools: ToolList | undefined,
  place: ToolPlace,
  signal: AbortSignal,
  shown?: string,
): Promise<Omit<ToApprove, 'approved'>> {
  const entries = approvable(tools);
  const entry = entries.find((one) => nameOf(one) === name);
  if (entry === undefined)
    throw new ToolError(
      'not-configured',
      `There is no tool "${name}" to approve in the task card.`,
      `It has ${entries.map(nameOf).join(', ') || 'none that needs approval'}.`,
    );
  const { sha256, what } = describe(entry, place);
  if (shown !== undefined && shown !== sha256)
    throw new ToolError(
      'not-approved',
      `${name} has changed since it was shown.`,
      'Look at it again, then approve it.',
    );
  if (entry.provider === 'description') {
    approve({ sha256, name }, place.approvals);
    return { name, sha256, what };
  }
  const detail = await inspectMcp(entry, place, signal);
  approve({ sha256, name, detail }, place.approvals);
  return { name, sha256, what: { command: entry.command, url: entry.url, tool: detail } };
}
