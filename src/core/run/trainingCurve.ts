import * as z from 'zod';

export const LossPoint = z.object({ step: z.number(), loss: z.number(), heldOut: z.number().optional() });
export const TrainingCurve = z.object({
  adapter: z.string(),
  steps: z.number(),
  points: z.array(LossPoint),
  heldOut: z.array(z.object({ step: z.number(), loss: z.number() })),
  /** Outcome of the probe after the adapter was loaded into the server. */
  probe: z.object({ ok: z.boolean(), message: z.string() }).optional(),
});
export type TrainingCurve = z.infer<typeof TrainingCurve>;
