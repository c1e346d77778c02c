import { useCallback } from 'preact/hooks';
import type { Params, RequestShape, Result, WireError } from '../../src/protocol/surface.ts';
import { RequestError } from './rpc.ts';
import type { RpcClient } from './rpc.ts';

/** Sends a request; what goes wrong goes to `onProblem`, and the promise gives undefined. */
export function useRequests<R extends Readonly<Record<string, RequestShape>>>(
  rpc: RpcClient<R>,
  onProblem: (problem: WireError | undefined) => void,
): <M extends keyof R & string>(method: M, params: Params<R[M]>) => Promise<Result<R[M]> | undefined> {
  return useCallback(
    async (method, params) => {
      try {
        const value = await rpc.request(method, params);
        onProblem(undefined);
        return value;
      } catch (error) {
        onProblem(
          error instanceof RequestError ? { message: error.message, remedy: error.remedy } : { message: String(error) },
        );
        return undefined;
      }
    },
    [rpc],
  );
}
