import type { DebugClient } from '@vscode/debugadapter-testsupport';
import type { Transport } from './dapClient.ts';

/** The test client's own pipes; it numbers requests as ours does. */
export function overPipes(adapter: DebugClient): Transport {
  const inner = adapter as unknown as { dispatch(json: string): void };
  return {
    send: (request) => {
      adapter.send(request.command, request.arguments).catch(() => undefined);
    },
    onMessage: (listener) => {
      const dispatch = inner.dispatch.bind(adapter);
      inner.dispatch = (json) => {
        listener(JSON.parse(json) as Parameters<typeof listener>[0]);
        dispatch(json);
      };
    },
  };
}
