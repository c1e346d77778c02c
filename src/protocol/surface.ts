import * as z from 'zod';

/**
 * The wire between the host and a webview. Both sides parse what they receive: a message that does not fit is logged
 * and shown as an error, never dropped in silence. Events are complete snapshots, never deltas, so one that is lost
 * while a panel is hidden costs nothing.
 */

/** Raised when messages change in a way that an older panel cannot read; the panel then asks to be reloaded. */
export const protocolVersion = 1;

/** Panel to host, once its script runs; nothing is posted to it before. */
export const Ready = z.object({ type: z.literal('ready'), version: z.number() });

/** Panel to host: ids count up from 1 within a panel. */
export const RequestEnvelope = z.object({
  type: z.literal('request'),
  id: z.number().int().positive(),
  method: z.string(),
  params: z.unknown(),
});

/** Host to panel. */
export const ResponseEnvelope = z.discriminatedUnion('ok', [
  z.object({ type: z.literal('response'), id: z.number(), ok: z.literal(true), value: z.unknown() }),
  z.object({
    type: z.literal('response'),
    id: z.number(),
    ok: z.literal(false),
    error: z.object({ message: z.string(), remedy: z.string().optional() }),
  }),
]);

/** A request's parameters and answer. */
export interface RequestShape {
  readonly params: z.ZodType;
  readonly result: z.ZodType;
}
export type Params<T extends RequestShape> = z.infer<T['params']>;
export type Result<T extends RequestShape> = z.infer<T['result']>;

export interface WireError {
  readonly message: string;
  readonly remedy?: string | undefined;
}
