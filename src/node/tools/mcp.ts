import * as z from 'zod';
import type { ToolProvider } from '../../core/tools/provider.ts';
import { describeUserTool } from '../../core/tools/userTool.ts';
import { findApproval } from './approvals.ts';
import type { McpConnection } from './mcpClient.ts';
import { hashOfOffer, mcpFingerprint, Offered, type McpEntry } from './mcpOffer.ts';
import type { ToolPlace } from './provide.ts';
import { notApproved } from './userTools.ts';

/**
 * A tool of an MCP server. The server is started, or reached, when the tool is first called; it must then offer the tool
 * with the very description that was approved, since agents read it.
 * @throws ToolError `not-approved`
 */
export function mcpTool(entry: McpEntry, place: ToolPlace): ToolProvider {
  const name = entry.as ?? entry.tool;
  const approval = findApproval(mcpFingerprint(entry, place), place.approvals);
  const approved = Offered.safeParse(approval?.detail).data;
  if (approval === undefined || approved === undefined)
    throw notApproved(
      name,
      entry.command === undefined ? `asks ${entry.url ?? ''}` : `starts ${entry.command.join(' ')}`,
    );
  const properties = Object.keys(approved.inputSchema.properties);
  const only = entry.argument ?? (properties.length === 1 ? properties[0] : oneOf(approved.inputSchema.required));
  const argument = only ?? `JSON with ${properties.join(', ')}`;
  let connected: Promise<McpConnection> | undefined;
  const connect = (signal: AbortSignal): Promise<McpConnection> => {
    const forget = (): void => {
      connected = undefined;
    };
    // Loaded when it is needed: the protocol's library is large, and most runs have no such server.
    connected ??= import('./mcpClient.ts')
      .then(({ openMcp }) => openMcp(entry, place, approved, signal, forget))
      .catch((error: unknown) => {
        forget();
        throw error;
      });
    return connected;
  };
  return {
    description: describeUserTool({
      name,
      argument,
      definition: approved.description,
      usage: `${name}[${only === undefined ? '{…}' : only}]`,
    }),
    provider: `MCP ${entry.command === undefined ? new URL(entry.url ?? 'http://none').host : entry.command.join(' ')} (${hashOfOffer(approved).slice(0, 12)})`,
    maxChars: entry.maxChars,
    call: async (text, state, signal) => {
      const given = argumentsOf(text.trim(), only, approved);
      if (given === undefined)
        return { text: `${name} needs a JSON object with ${properties.join(', ')}.`, outcome: 'miss', state };
      const { text: said, ok } = await (await connect(signal)).call(given, signal);
      return { text: said, outcome: ok ? 'hit' : 'miss', state };
    },
    close: async () => {
      await (await connected?.catch(() => undefined))?.close();
    },
  };
}

/** A bare argument is the one property; a tool with several takes a JSON object. */
function argumentsOf(
  text: string,
  only: string | undefined,
  { inputSchema }: Offered,
): Record<string, unknown> | undefined {
  if (only !== undefined) {
    const type = inputSchema.properties[only]?.type;
    const number = Number(text);
    const wantsNumber = type === 'number' || type === 'integer';
    return {
      [only]:
        wantsNumber && text !== '' && Number.isFinite(number) ? number : type === 'boolean' ? text === 'true' : text,
    };
  }
  try {
    const value = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text));
    return value.data;
  } catch {
    return inputSchema.required.length === 0 && text === '' ? {} : undefined;
  }
}

const oneOf = (names: readonly string[]): string | undefined => (names.length === 1 ? names[0] : undefined);
