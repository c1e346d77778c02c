import { EngineError } from '../engineErrors.ts';
import { GgufError, readGgufHeader, type GgufHeader } from '../lora/gguf.ts';

/** Refuse bad files with a reason and a remedy before the native loader, whose own messages go to a log, sees them. */

async function header(path: string, reason: 'bad-model' | 'bad-adapter'): Promise<GgufHeader> {
  try {
    return await readGgufHeader(path);
  } catch (error) {
    if (GgufError.is(error)) throw new EngineError(reason, error.message, { cause: error });
    throw new EngineError(
      reason,
      `Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}. Check the path and its permissions.`,
      { cause: error },
    );
  }
}

/** @throws EngineError `bad-model` */
export async function checkModel(path: string): Promise<GgufHeader> {
  const found = await header(path, 'bad-model');
  if (found.metadata.get('general.type') === 'adapter')
    throw new EngineError(
      'bad-model',
      `${path} is a LoRA adapter, not a model: choose the base model and add this file as an adapter.`,
    );
  if (typeof found.metadata.get('general.architecture') !== 'string' || found.tensors.length === 0)
    throw new EngineError(
      'bad-model',
      `${path} names no architecture or holds no tensors: it is not a complete model; download or convert it again.`,
    );
  return found;
}

/** @throws EngineError `bad-adapter` */
export async function checkAdapter(path: string, base: GgufHeader): Promise<void> {
  const found = await header(path, 'bad-adapter');
  const refuse = (what: string): EngineError => new EngineError('bad-adapter', `Adapter ${path} ${what}`);
  if (found.metadata.get('general.type') !== 'adapter' || found.metadata.get('adapter.type') !== 'lora')
    throw refuse('is not a LoRA adapter in GGUF form: convert the trained adapter first.');
  const [own, expected] = [found.metadata.get('general.architecture'), base.metadata.get('general.architecture')];
  if (own !== expected)
    throw refuse(
      `is for architecture ${String(own)}, the model is ${String(expected)}: train or convert it for this base.`,
    );
  const weights = new Map(base.tensors.map((tensor) => [tensor.name, tensor.shape]));
  const lora = new Map(found.tensors.map((tensor) => [tensor.name, tensor.shape]));
  if (lora.size === 0) throw refuse('holds no tensors: convert it again.');
  for (const [name, a] of lora) {
    if (!name.endsWith('.lora_a')) continue;
    const target = name.slice(0, -'.lora_a'.length);
    const b = lora.get(`${target}.lora_b`);
    const weight = weights.get(target);
    if (weight === undefined)
      throw refuse(`adapts ${target}, which the model does not have: it belongs to another base.`);
    if (b === undefined || a[0] !== weight[0] || b[1] !== weight[1] || a[1] !== b[0])
      throw refuse(
        `has the wrong shape for ${target} (model ${weight.join('x')}, A ${a.join('x')}, B ${b?.join('x') ?? 'missing'}): it belongs to another base.`,
      );
  }
}
