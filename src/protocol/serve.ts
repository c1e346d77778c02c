import * as l10n from '@vscode/l10n';
import { Ready, RequestEnvelope } from './surface.ts';
import type { Params, RequestShape, Result, WireError } from './surface.ts';

/** The host's half of a surface: checks a request, calls its handler, wraps the answer. */

export type Handlers<R extends Readonly<Record<string, RequestShape>>> = {
  readonly [M in keyof R]: (params: Params<R[M]>) => Promise<Result<R[M]>>;
};

export interface ServeOptions<R extends Readonly<Record<string, RequestShape>>> {
  readonly requests: R;
  readonly handlers: Handlers<R>;
  readonly post: (message: unknown) => void;
  /** The panel's script runs; `version` is its protocol version. */
  readonly onReady: (version: number) => void;
  /** A message that fits no schema. */
  readonly onInvalid: (description: string) => void;
  readonly describeError: (error: unknown) => WireError;
}

/** Returns the receiver of the panel's messages. */
export function serve<R extends Readonly<Record<string, RequestShape>>>(
  options: ServeOptions<R>,
): (message: unknown) => Promise<void> {
  return async (message) => {
    const ready = Ready.safeParse(message);
    if (ready.success) {
      options.onReady(ready.data.version);
      return;
    }
    const envelope = RequestEnvelope.safeParse(message);
    if (!envelope.success) {
      options.onInvalid(`A panel sent a message that is no request: ${envelope.error.message}`);
      return;
    }
    const { id, method } = envelope.data;
    const refuse = (error: WireError): void => {
      options.post({ type: 'response', id, ok: false, error });
    };
    const shape = Object.hasOwn(options.requests, method) ? options.requests[method] : undefined;
    if (shape === undefined) {
      options.onInvalid(`A panel sent the unknown request "${method}".`);
      refuse({ message: l10n.t('The request "{0}" is not known. Reload the view.', method) });
      return;
    }
    const params = shape.params.safeParse(envelope.data.params);
    if (!params.success) {
      options.onInvalid(`The parameters of "${method}" do not fit: ${params.error.message}`);
      refuse({ message: l10n.t('The parameters of "{0}" do not fit. Reload the view.', method) });
      return;
    }
    try {
      const handler = options.handlers[method] as (params: unknown) => Promise<unknown>; // the pair was checked by Handlers
      const value = await handler(params.data);
      options.post({ type: 'response', id, ok: true, value: value ?? null });
    } catch (error) {
      refuse(options.describeError(error));
    }
  };
}
