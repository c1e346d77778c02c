/** A prompt file, read: the body with its named gaps, and what its front matter says. */
export interface PromptTemplate {
  readonly name: string;
  readonly version: number;
  readonly inputs: readonly string[];
  readonly text: string;
}

export class PromptError extends Error {
  override readonly name = 'PromptError';
  readonly reason: 'missing-input' | 'unknown-input' | 'malformed-file';

  constructor(reason: PromptError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Fills the gaps of a template. Values are inserted as they are and never scanned for gaps themselves, so that
 * text from outside cannot pull in another input.
 * @throws PromptError when an input is missing, or when the body names one that is not declared.
 */
export function renderPrompt(template: PromptTemplate, values: Readonly<Record<string, string>>): string {
  return template.text.replace(/\{\{(\w+)\}\}/g, (_gap, name: string) => {
    if (!template.inputs.includes(name)) {
      throw new PromptError(
        'unknown-input',
        `Prompt "${template.name}" uses {{${name}}}, which its front matter does not list under inputs.`,
      );
    }
    const value = values[name];
    if (value === undefined) {
      throw new PromptError('missing-input', `Prompt "${template.name}" needs a value for {{${name}}}.`);
    }
    return value;
  });
}
