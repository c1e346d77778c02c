import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dashboardRequests } from '../../../src/protocol/dashboard.ts';
import type { DashboardRequests } from '../../../src/protocol/dashboard.ts';
import { serve } from '../../../src/protocol/serve.ts';
import type { Handlers } from '../../../src/protocol/serve.ts';
import { RequestError, RpcClient } from '../../../webview/kit/rpc.ts';

/** Both halves of the wire, connected by a clone of every message as postMessage makes it. */
function connect(overrides: Partial<Handlers<DashboardRequests>>) {
  const done = () => Promise.resolve(null);
  const handlers: Handlers<DashboardRequests> = {
    start: done,
    resume: done,
    cancel: done,
    setConfiguration: done,
    setApiKey: done,
    listDropped: () => Promise.resolve({ rows: [], total: 0 }),
    listTraces: () => Promise.resolve({ rows: [], total: 0 }),
    openTrace: done,
    debugTrace: done,
    showProvenance: done,
    openFile: done,
    showLog: done,
    doctor: done,
    ...overrides,
  };
  const invalid: string[] = [];
  let ready: number | undefined;
  const sent: unknown[] = [];
  const receive = serve({
    requests: dashboardRequests,
    handlers,
    post: (message) => {
      client.settle(structuredClone(message) as Parameters<typeof client.settle>[0]);
    },
    onReady: (version) => {
      ready = version;
    },
    onInvalid: (description) => invalid.push(description),
    describeError: (error) => ({ message: String(error), remedy: 'Try again.' }),
  });
  const host = {
    post: (message: unknown) => {
      sent.push(message);
      void receive(structuredClone(message));
    },
    keep: () => undefined,
    receive: () => undefined,
  };
  const client = new RpcClient(host, dashboardRequests);
  return { client, receive, invalid, sent, readyVersion: () => ready };
}

describe('the dashboard’s wire', () => {
  it('says ready before anything else, and counts its requests', async () => {
    const { client, sent, readyVersion } = connect({});
    client.ready();
    await client.request('resume', null);
    await client.request('showLog', null);
    assert.equal(readyVersion(), 1);
    assert.deepEqual(
      sent.map((message) => (message as { id?: number }).id),
      [undefined, 1, 2],
    );
  });

  it('hands parameters over and answers back', async () => {
    const rows = [{ item: 'selfInstruct/0', text: 'x', reason: 'duplicate' }];
    const asked: unknown[] = [];
    const { client } = connect({
      listDropped: (params) => {
        asked.push(params);
        return Promise.resolve({ rows, total: 1 });
      },
    });
    assert.deepEqual(await client.request('listDropped', { stage: 'selfInstruct', reason: 'duplicate', offset: 0 }), {
      rows,
      total: 1,
    });
    assert.deepEqual(asked, [{ stage: 'selfInstruct', reason: 'duplicate', offset: 0 }]);
  });

  it('rejects with message and remedy when a handler fails', async () => {
    const { client } = connect({ start: () => Promise.reject(new Error('no engine')) });
    await assert.rejects(
      client.request('start', {}),
      (error) => error instanceof RequestError && error.message.includes('no engine') && error.remedy === 'Try again.',
    );
  });

  it('refuses unknown requests and parameters that do not fit, and says so', async () => {
    const { client, receive, invalid } = connect({});
    const untyped = client as unknown as { request(method: string, params: unknown): Promise<unknown> };
    await assert.rejects(untyped.request('format', null), RequestError);
    await assert.rejects(untyped.request('start', { stage: 'everything' }), RequestError);
    await assert.rejects(untyped.request('toString', null), RequestError);
    await receive({ type: 'request' });
    await receive('hello');
    assert.equal(invalid.length, 5);
  });

  it('rejects an answer of the wrong shape instead of passing it on', async () => {
    const { client } = connect({ listTraces: () => Promise.resolve({ rows: 'none' } as never) });
    await assert.rejects(client.request('listTraces', { stage: 'synthesis', offset: 0, count: 10 }), RequestError);
  });
});
