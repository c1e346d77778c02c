export type LoraConversionReason =
  | 'missing-file'
  | 'bad-safetensors'
  | 'bad-config'
  /** The base model's architecture is not one whose weight order we know. */
  | 'unsupported-architecture'
  /** DoRA, other PEFT methods, modules_to_save, trained biases, fan_in_fan_out: a LoRA file cannot hold them. */
  | 'unsupported-feature'
  | 'unsupported-module'
  | 'shape-mismatch';

export class LoraConversionError extends Error {
  readonly reason: LoraConversionReason;
  constructor(reason: LoraConversionReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LoraConversionError';
    this.reason = reason;
  }
  static is(error: unknown, reason?: LoraConversionReason): error is LoraConversionError {
    return error instanceof LoraConversionError && (reason === undefined || error.reason === reason);
  }
}
