import * as l10n from '@vscode/l10n';
import { protocolVersion } from '../../src/protocol/surface.ts';
import type { Params, RequestShape, Result, WireError } from '../../src/protocol/surface.ts';
import type { PanelHost } from './panelHost.ts';

/** The panel's half of a surface: sends requests with counted ids and checks every answer. */

export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly remedy: string | undefined;

  constructor(error: WireError) {
    super(error.message);
    this.remedy = error.remedy;
  }
}

interface Pending {
  readonly method: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Response {
  readonly id: number;
  readonly ok: boolean;
  readonly value?: unknown;
  readonly error?: WireError;
}

export class RpcClient<R extends Readonly<Record<string, RequestShape>>> {
  private readonly host: PanelHost;
  private readonly requests: R;
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;

  constructor(host: PanelHost, requests: R) {
    this.host = host;
    this.requests = requests;
  }

  /** Tells the host that messages are listened to from now on. */
  ready(): void {
    this.host.post({ type: 'ready', version: protocolVersion });
  }

  request<M extends keyof R & string>(method: M, params: Params<R[M]>): Promise<Result<R[M]>> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { method, resolve: resolve, reject });
      this.host.post({ type: 'request', id, method, params });
    });
  }

  /** Settles the request that a checked response belongs to. */
  settle(response: Response): void {
    const pending = this.pending.get(response.id);
    if (pending === undefined) return;
    this.pending.delete(response.id);
    if (!response.ok) {
      pending.reject(new RequestError(response.error ?? { message: l10n.t('The request failed.') }));
      return;
    }
    const result = this.requests[pending.method]?.result.safeParse(response.value);
    if (result?.success === true) pending.resolve(result.data);
    else
      pending.reject(
        new RequestError({ message: l10n.t('The answer to "{0}" does not fit. Reload the view.', pending.method) }),
      );
  }
}
