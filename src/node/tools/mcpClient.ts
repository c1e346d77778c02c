import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { ToolError } from '../../core/tools/toolError.ts';
import { hashOfOffer, Offered, type McpEntry } from './mcpOffer.ts';
import type { ToolPlace } from './provide.ts';
import { notApproved } from './userTools.ts';

const Content = z.object({
  isError: z.boolean().optional(),
  content: z.array(z.object({ type: z.string(), text: z.string().optional() })).default([]),
});

/** Starts or reaches the server and reads what it says of the tool, for the user to approve. @throws ToolError */
export async function inspectMcp(entry: McpEntry, place: ToolPlace, signal: AbortSignal): Promise<Offered> {
  const client = await connectTo(entry, place, signal);
  try {
    return await offeredBy(client, entry);
  } finally {
    await client.close();
  }
}

/** A connection to a server whose tool is the one that was approved. */
export interface McpConnection {
  /** @returns not `ok` when the server refuses the arguments or says that it failed. @throws ToolError */
  call(given: Record<string, unknown>, signal: AbortSignal): Promise<{ readonly text: string; readonly ok: boolean }>;
  close(): Promise<void>;
}

/** @throws ToolError `not-approved` when the server describes its tool in other words */
export async function openMcp(
  entry: McpEntry,
  place: ToolPlace,
  approved: Offered,
  signal: AbortSignal,
  gone: () => void,
): Promise<McpConnection> {
  const name = entry.as ?? entry.tool;
  const client = await connectTo(entry, place, signal);
  const offered = await offeredBy(client, entry).catch(async (error: unknown) => {
    await client.close();
    throw error;
  });
  if (hashOfOffer(offered) !== hashOfOffer(approved)) {
    await client.close();
    throw notApproved(name, 'is described by its server in other words than when you approved it');
  }
  client.onclose = gone;
  // Of a message that is too long only this listener hears; over HTTP its call would go on waiting.
  let tooMuch = new AbortController();
  client.onerror = (error) => {
    if (isTooMuch(error)) tooMuch.abort(error);
  };
  return {
    call: async (given, inner) => {
      try {
        if (tooMuch.signal.aborted) tooMuch = new AbortController();
        const options = { signal: AbortSignal.any([inner, tooMuch.signal]), timeout: entry.timeoutSeconds * 1000 };
        const said = Content.parse(await client.callTool({ name: entry.tool, arguments: given }, undefined, options));
        const parts = said.content.map((part) => part.text ?? `(${part.type})`);
        return { text: parts.join('\n'), ok: said.isError !== true && parts.length > 0 };
      } catch (error) {
        inner.throwIfAborted();
        if (error instanceof McpError && error.code === (ErrorCode.InvalidParams as number))
          return { text: `${name} refuses its argument: ${error.message}`, ok: false };
        throw failure(name, entry, (tooMuch.signal.reason as unknown) ?? error);
      }
    },
    close: () => client.close(),
  };
}

async function connectTo(entry: McpEntry, place: ToolPlace, signal: AbortSignal): Promise<Client> {
  const client = new Client({ name: 'autoact', version: place.version }, { capabilities: {} });
  try {
    await client.connect(transport(entry, place), { signal, timeout: entry.timeoutSeconds * 1000 });
    return client;
  } catch (error) {
    await client.close().catch(() => undefined);
    signal.throwIfAborted();
    if (error instanceof ToolError) throw error;
    const what = entry.command === undefined ? (entry.url ?? '') : entry.command.join(' ');
    throw new ToolError(
      'unreachable',
      `The MCP server ${what} cannot be reached: ${whyUnreachable(error, entry)}.`,
      'See whether it runs by itself.',
      { cause: error },
    );
  }
}

function transport(entry: McpEntry, { folder, secret }: ToolPlace): Transport {
  const key = entry.apiKeyVariable === undefined ? undefined : secret(entry.apiKeyVariable);
  if (entry.apiKeyVariable !== undefined && (key === undefined || key === ''))
    throw new ToolError(
      'not-configured',
      `${entry.tool} needs a key, and ${entry.apiKeyVariable} holds none.`,
      `Set ${entry.apiKeyVariable}.`,
    );
  if (entry.command !== undefined) {
    const [command = '', ...args] = entry.command;
    const env = { ...getDefaultEnvironment(), ...(key === undefined ? {} : { [entry.apiKeyVariable ?? '']: key }) };
    return new StdioClientTransport({ command, args, env, cwd: folder, stderr: 'ignore' });
  }
  const made = new StreamableHTTPClientTransport(new URL(entry.url ?? ''), {
    // A redirect could carry the key, or the request, to another host.
    fetch: async (url, init) => limited(await fetch(url, { ...init, redirect: 'error' })),
    ...(key === undefined ? {} : { requestInit: { headers: { authorization: `Bearer ${key}` } } }),
  });
  return made;
}

/** The library has this limit for standard output, and none for HTTP. */
const maxAnswerBytes = 10 * 2 ** 20;

function limited(response: Response): Response {
  if (response.body === null) return response;
  let size = 0;
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (part, out) => {
        size += part.length;
        if (size > maxAnswerBytes) out.error(new Error(`more than ${maxAnswerBytes} bytes`));
        else out.enqueue(part);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(counted, { status, statusText, headers });
}

async function offeredBy(client: Client, entry: McpEntry): Promise<Offered> {
  const { tools } = await client.listTools(undefined, { timeout: entry.timeoutSeconds * 1000 });
  const found = tools.find(({ name }) => name === entry.tool);
  if (found !== undefined) return Offered.parse(found);
  throw new ToolError(
    'not-configured',
    `The MCP server has no tool ${entry.tool}; it has ${tools
      .map(({ name }) => name)
      .slice(0, 40)
      .join(', ')}.`,
    'Name one of them under "tool".',
  );
}

function failure(name: string, entry: McpEntry, error: unknown): ToolError {
  const code = error instanceof McpError ? error.code : undefined;
  const again = 'Resume the run when its server works again.';
  if (code === (ErrorCode.RequestTimeout as number))
    return new ToolError(
      'timeout',
      `${name} did not answer within ${entry.timeoutSeconds} s.`,
      'Raise timeoutSeconds of the tool, or resume the run later.',
      { cause: error },
    );
  if (code === (ErrorCode.ConnectionClosed as number))
    return new ToolError('crashed', `${name} failed: its server ended in the middle of the call.`, again, {
      cause: error,
    });
  return isTooMuch(error)
    ? new ToolError('bad-response', `${name} answered more than ${maxAnswerBytes} bytes.`, 'Ask it for less.', {
        cause: error,
      })
    : new ToolError('crashed', `${name} failed: ${messageOf(error)}.`, again, { cause: error });
}

/** The library's error for standard output, and ours for HTTP. */
const isTooMuch = (error: unknown): boolean => /exceeded maximum size|more than \d+ bytes/.test(messageOf(error));

function whyUnreachable(error: unknown, { timeoutSeconds }: McpEntry): string {
  const code = error instanceof McpError ? error.code : undefined;
  if (code === (ErrorCode.RequestTimeout as number)) return `it did not answer within ${timeoutSeconds} s`;
  if (code === (ErrorCode.ConnectionClosed as number)) return 'it ended at once';
  return messageOf(error).replace(/[\s:.]+$/, '');
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
