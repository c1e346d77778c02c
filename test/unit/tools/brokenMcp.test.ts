import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { ToolList } from '../../../src/core/tools/toolConfig.ts';
import { ToolError, type ToolErrorReason } from '../../../src/core/tools/toolError.ts';
import { approveTool } from '../../../src/node/tools/approveTool.ts';
import { openTools } from '../../../src/node/tools/openTools.ts';
import { Toolbox } from '../../../src/node/tools/toolbox.ts';
import { brokenMcpServer } from '../../doubles/mcpServer.ts';

/** Real MCP servers that hang, die, answer too much or nothing: each failure has one clear message, none hangs the run. */

const folder = mkdtempSync(join(tmpdir(), 'autoact broken mcp '));
const signal = new AbortController().signal;
after(() => rmSync(folder, { recursive: true }));
const place = {
  folder,
  root: resolve('.'),
  version: '1',
  sandboxEntry: '',
  approvals: join(folder, 'config'),
  secret: () => undefined,
  notify: () => undefined,
};
const program = resolve('test/doubles/mcpServer.ts');
/** Longer than a busy machine needs to start a process; shorter where the wait itself is what is tested. */
const patient = 60;

function overStdio(tool: string, { what = 'broken', timeoutSeconds = patient } = {}): ToolList {
  const command = [process.execPath, program, what];
  return ToolList.parse([{ tool, as: 'T', provider: 'mcp', command, timeoutSeconds }]);
}

async function opened(tools: ToolList): Promise<Toolbox> {
  await approveTool('T', tools, place, signal);
  return new Toolbox(openTools({ tools, place }));
}
const call = (toolbox: Toolbox, argument = 'x') =>
  toolbox.call({ kind: 'tool', tool: 'T', argument, state: {} }, signal);

async function fails(work: Promise<unknown>, reason: ToolErrorReason, words: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(ToolError.is(error, reason), String(error));
    assert.match(error.message, words);
    assert.ok(error.remedy);
    return true;
  });
}

for (const [tool, reason, words] of [
  ['die', 'crashed', /^T failed: its server ended in the middle of the call\.$/],
  ['much', 'bad-response', /^T answered more than 10485760 bytes\.$/],
] as const)
  test(`a server whose tool is there to ${tool} gives one clear message`, async () => {
    const toolbox = await opened(overStdio(tool));
    try {
      await fails(call(toolbox), reason, words);
    } finally {
      await toolbox.close();
    }
  });

test('a server that hangs is given up in time, and one that never answers is told of when it is started', async () => {
  // Approved with patience; what is called differs in the time alone, which is no part of what is approved.
  await approveTool('T', overStdio('hang'), place, signal);
  const toolbox = new Toolbox(openTools({ tools: overStdio('hang', { timeoutSeconds: 10 }), place }));
  try {
    await fails(call(toolbox), 'timeout', /^T did not answer within 10 s\.$/);
  } finally {
    await toolbox.close();
  }
  const start = (what: string, timeoutSeconds = patient) =>
    approveTool('T', overStdio('hang', { what, timeoutSeconds }), place, signal);
  await fails(start('silent', 2), 'unreachable', /cannot be reached: it did not answer within 2 s\.$/);
  await fails(start('gone'), 'unreachable', /cannot be reached: it ended at once\.$/);
  const absent = ToolList.parse([{ tool: 'x', as: 'T', provider: 'mcp', command: ['no-such-program-here'] }]);
  await fails(approveTool('T', absent, place, signal), 'unreachable', /no-such-program-here cannot be reached/);
});

test('a server that died is started again for the next call; what throws and what says nothing are misses', async () => {
  const once = await opened(overStdio('once'));
  try {
    const mark = join(folder, 'mark');
    await fails(call(once, mark), 'crashed', /ended in the middle/);
    assert.equal((await call(once, mark)).text, 'here again');
  } finally {
    await once.close();
  }
  for (const [tool, text] of [
    ['throw', 'no luck'],
    ['nothing', 'The tool returned no text.'],
  ] as const) {
    const toolbox = await opened(overStdio(tool));
    try {
      assert.deepEqual(await call(toolbox).then((said) => [said.text, said.outcome]), [text, 'miss']);
    } finally {
      await toolbox.close();
    }
  }
});

test('over HTTP too an answer has an end', async () => {
  const http: Server = createServer((request, response) => {
    const transport = new StreamableHTTPServerTransport({});
    void brokenMcpServer()
      .connect(transport as never)
      .then(() => transport.handleRequest(request, response));
  });
  await new Promise<void>((ready) => http.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
  const toolbox = await opened(
    ToolList.parse([{ tool: 'much', as: 'T', provider: 'mcp', url, timeoutSeconds: patient }]),
  );
  try {
    await fails(call(toolbox), 'bad-response', /^T answered more than 10485760 bytes\.$/);
  } finally {
    await toolbox.close();
    http.closeAllConnections();
    http.close();
  }
});
