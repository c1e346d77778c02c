import * as z from 'zod';

/**
 * Language models of the editor (VS Code's Language Model API), which only the editor's own process can ask. The runner
 * sends it what is to be asked and gets back what was answered. What the API has no room for is left out: no seed, no
 * log-probabilities, no number of cached tokens; stops and the limit of an answer are kept by ending it.
 */

/** A model that the editor offers. */
export const EditorModel = z.object({
  /** `vendor/id`: how settings name it. */
  name: z.string(),
  /** For people. */
  title: z.string(),
  /** As the vendor counts versions. */
  version: z.string(),
  maxInputTokens: z.number(),
});
export type EditorModel = z.infer<typeof EditorModel>;

export const EditorRequest = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant']), content: z.string() })),
  stop: z.array(z.string()),
  maxTokens: z.number(),
  temperature: z.number(),
  topP: z.number(),
});
export type EditorRequest = z.infer<typeof EditorRequest>;

export const EditorReply = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('answered'),
    text: z.string(),
    finish: z.enum(['stop', 'length']),
    /** Counted with the model's own tokenizer; 0 where it does not count. */
    promptTokens: z.number(),
    completionTokens: z.number(),
  }),
  z.object({
    state: z.literal('failed'),
    /** `refused`: the user did not consent, or may not use it. */
    why: z.enum(['refused', 'no-model', 'busy', 'failed']),
    message: z.string(),
  }),
]);
export type EditorReply = z.infer<typeof EditorReply>;

/** The editor as a runner sees it; undefined when it does not answer any more. */
export interface EditorModels {
  list(signal: AbortSignal): Promise<readonly EditorModel[] | undefined>;
  complete(request: EditorRequest, signal: AbortSignal): Promise<EditorReply | undefined>;
}
