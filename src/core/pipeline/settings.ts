import * as z from 'zod';
import { measures } from '../dedupe/measure.ts';
import { carriesCredentials, noCredentials } from '../run/address.ts';
import { presetNames, presets, type PresetName } from './presets.ts';

/**
 * Everything about a run that can be chosen, with its default. The resolved settings are written to `run.json`.
 * Paper values come from its Table 4 and section 3; where `fixed` differs from the published code, mode.ts says so.
 */

const Sampling = z
  .object({
    temperature: z.number().min(0).max(2),
    topP: z.number().gt(0).max(1),
    topK: z.number().int().min(0),
  })
  .strict();

/** Where a role's model is served. `embedded` is the engine that comes with the product. */
export const RoleServer = z
  .object({
    /** A name from `servers`, or `embedded`. */
    server: z.string().default('embedded'),
    /** The model name that the server knows; for `embedded`, `base` or an adapter of the run. */
    model: z.string().default('base'),
  })
  .strict();
export type RoleServer = z.infer<typeof RoleServer>;

/** What a million tokens cost, in whatever currency the user counts in. */
export const Price = z
  .object({
    input: z.number().min(0),
    /** Of prompts that the server found in its cache; like the others when left out. */
    cachedInput: z.number().min(0).optional(),
    output: z.number().min(0),
  })
  .strict();
export type Price = z.infer<typeof Price>;

export const Server = z
  .object({
    /** `vscode`: the language models of the editor that started the run, whose answers nobody can reproduce. */
    kind: z.enum(['openai', 'vscode']).default('openai'),
    baseURL: z
      .union([z.url(), z.literal('')])
      .refine((address) => !carriesCredentials(address), { error: noCredentials })
      .default('')
      .describe('Address of an OpenAI-compatible server, with /v1.'),
    /**
     * `auto` finds out. `chat` is for servers without completions; such runs are marked, since the agents then read
     * another format.
     */
    api: z.enum(['auto', 'completions', 'chat']).default('auto'),
    /** Requests under way at once. Left out, the server's capacity decides, or what it takes. */
    concurrency: z.number().int().min(1).max(1024).optional(),
    /** Requests sent in a minute at most, where the service allows no more; its own refusals are heeded anyway. */
    requestsPerMinute: z.number().gt(0).optional(),
    /** Tokens that its KV cache holds, where it does not tell. */
    kvTokens: z.number().int().min(1).optional(),
    /** Sequences that it decodes together, where it does not tell. */
    slots: z.number().int().min(1).optional(),
    timeoutSeconds: z.number().min(1).default(120),
    /** How long a run waits for a server that is down. */
    outageMinutes: z.number().min(0).default(60),
    /** Name of the environment variable that holds the key; the editor passes keys from its secret storage this way. */
    apiKeyVariable: z.string().optional(),
    /** Send top_k where the server takes it. */
    topK: z.boolean().default(true),
    /** By model name; `*` for all others. */
    prices: z.record(z.string(), Price).default({}),
  })
  .strict()
  .refine(({ kind, baseURL }) => kind === 'vscode' || baseURL !== '', {
    path: ['baseURL'],
    message: 'A server needs its address, for example http://127.0.0.1:8000/v1.',
  });
export type Server = z.infer<typeof Server>;

export const systems = ['zero-shot', 'autoact', 'no-reflection', 'no-division', 'no-filtering'] as const;
export type SystemId = (typeof systems)[number];

export const Settings = z
  .object({
    mode: z.enum(['fixed', 'reference']).default('fixed'),
    /** Values of the paper, or of the published code, instead of our defaults. */
    preset: z.enum(presetNames).optional(),
    seed: z.number().int().min(0).default(1),
    /** Items under way at once; a server's own limit also holds. Left out: 64 with the embedded engine, else 512. */
    concurrency: z.number().int().min(1).max(1024).optional(),
    servers: z.record(z.string(), Server).default({}),
    /** Names under which several servers with the same models share their roles' work. */
    pools: z.record(z.string(), z.array(z.string()).min(1)).default({}),
    /** Take an answer that this workspace has had from the same server for the same request, and keep new ones. */
    cache: z.boolean().default(true),
    /** What a run may spend; it stops when it has, and can be resumed with more. */
    budget: z
      .object({
        /** In the currency of the servers' `prices`. */
        cost: z.number().gt(0).optional(),
        /** Prompt and completion tokens together. */
        tokens: z.number().int().min(1).optional(),
      })
      .strict()
      .prefault({}),
    roles: z.record(z.string(), RoleServer).default({}),
    embedded: z
      .object({
        /** GGUF file, relative to the task card; the starter model when left out. */
        model: z.string().optional(),
        contextSize: z.number().int().min(256).default(1536),
        /** Sequences that are decoded together in one context. */
        parallel: z.number().int().min(1).default(32),
        threads: z.number().int().min(0).default(0),
      })
      .strict()
      .prefault({}),
    selfInstruct: z
      .object({
        instances: z.number().int().min(1).default(800),
        perRound: z.number().int().min(1).default(10),
        /** Rounds that are asked together; 1 lets every round see all earlier ones, as in the paper. */
        parallelRounds: z.number().int().min(1).default(8),
        seedExamples: z.number().int().min(0).default(2),
        generatedExamples: z.number().int().min(0).default(3),
        /** Passages of the task's documents shown in each round; 0 asks the model to write from memory, as in the paper. */
        passages: z.number().int().min(0).default(0),
        maxAnswerWords: z.number().int().min(1).default(10),
        perAnswerCap: z.number().int().min(1).default(5),
        /**
         * Questions of one form, that is alike but for names and numbers; 0 sets no limit. A model asks the easy forms most:
         * the lower this is, the more of the rare ones, such as questions over several documents.
         */
        perFormCap: z.number().int().min(0).default(0),
        /** Similarity from which on two questions count as near-duplicates. */
        similarity: z.number().min(0).max(1).default(0.8),
        /** `words`: Jaccard over word sets. `rouge-l`: F1 of the longest common subsequence, as Self-Instruct has it. */
        similarityMeasure: z.enum(measures).default('words'),
        /** `strict` also asks for a question mark, for yes or no where it fits, and for an answer that is not told. */
        formatChecks: z.enum(['basic', 'strict']).default('basic'),
        /** What counts as an evaluation question: the same words, or also 13 in a row and near-duplicates. */
        decontaminate: z.enum(['same-words', 'overlap']).default('same-words'),
        /** Aim rounds at kinds of questions and documents that the database has least of. */
        steer: z.boolean().default(false),
        /** Answers sampled anew for each new pair; it is kept when most of them agree with its own. 0 asks none. */
        votes: z.number().int().min(0).max(64).default(0),
        /** Stop after this many rounds in a row without a new pair. */
        patience: z.number().int().min(1).default(20),
        /** Stop when fewer than this share of the pairs of the last `patience` rounds were new. */
        minYield: z.number().min(0).max(1).default(0),
        maxTokens: z.number().int().min(16).default(1024),
        sampling: Sampling.prefault({ temperature: 0.5, topP: 0.75, topK: 40 }),
      })
      .strict()
      .prefault({}),
    toolSelection: z
      .object({
        count: z.number().int().min(1).default(3),
        attempts: z.number().int().min(1).default(3),
        sampling: Sampling.prefault({ temperature: 0.2, topP: 1, topK: 0 }),
      })
      .strict()
      .prefault({}),
    synthesis: z
      .object({
        maxSteps: z.number().int().min(1).default(15),
        /** Trajectories sampled for each instance. */
        rollouts: z.number().int().min(1).default(1),
        /** Further reflections sampled on answers that turned out wrong, from which the reflect agent learns to reject. */
        reflectionSamples: z.number().int().min(0).default(2),
        sampling: Sampling.prefault({ temperature: 0.9, topP: 1, topK: 0 }),
        /** Tokens of a thought or an action; the run's `maxTokens` when left out. */
        maxTokens: z.number().int().min(8).optional(),
      })
      .strict()
      .prefault({}),
    filter: z
      .object({
        trajectories: z.number().int().min(1).default(200),
        /** `reward`: keep what has reward 1, as in the paper. `none`: the ablation without filtering. */
        by: z.enum(['reward', 'none']).default('reward'),
        /**
         * Labels in `.autoact/annotations`: `filter` keeps what annotators accepted and drops what they rejected,
         * `filter+corrections` also trains on steps that they corrected by hand.
         */
        annotations: z.enum(['off', 'filter', 'filter+corrections']).default('off'),
      })
      .strict()
      .prefault({}),
    training: z
      .object({
        box: z.string().default('local'),
        rank: z.number().int().min(1).default(8),
        alpha: z.number().default(16),
        dropout: z.number().min(0).max(1).default(0.05),
        targetModules: z.array(z.string()).default(['q_proj', 'v_proj']),
        learningRate: z.number().gt(0).default(1e-4),
        warmup: z.number().min(0).max(1).default(0.03),
        epochs: z.number().int().min(1).default(5),
        batchSize: z.number().int().min(1).default(4),
        maxLength: z.number().int().min(64).default(4096),
        heldOut: z.number().min(0).max(0.5).default(0.05),
        packing: z.enum(['tree', 'per-example']).default('tree'),
        weighting: z.enum(['paper-pair', 'example', 'token']).default('paper-pair'),
        precision: z.enum(['auto', 'float32', 'bfloat16', 'float16']).default('auto'),
        /** nf4 is QLoRA; auto: only where the base fits into the GPU's memory in no other way. */
        quantization: z.enum(['auto', 'none', 'nf4']).default('auto'),
        /** Told of every step besides the run itself. */
        sinks: z.array(z.enum(['tensorboard', 'wandb'])).default([]),
        /** Folder of the base model in Hugging Face form, relative to the task card; the starter model when left out. */
        base: z.string().optional(),
      })
      .strict()
      .prefault({}),
    planning: z
      .object({
        maxSteps: z.number().int().min(1).default(10),
        maxReflections: z.number().int().min(0).max(3).default(1),
        sampling: Sampling.prefault({ temperature: 0, topP: 1, topK: 0 }),
      })
      .strict()
      .prefault({}),
    maxPromptChars: z.number().int().min(200).default(14000),
    maxTokens: z
      .object({ thought: z.number().int().min(8).default(256), action: z.number().int().min(4).default(64) })
      .strict()
      .prefault({}),
    evaluation: z
      .object({
        systems: z.array(z.enum(systems)).default(['zero-shot', 'autoact']),
        /** Runs of each question; the score of a question is their mean. */
        samples: z.number().int().min(1).default(1),
        /** Questions a level; 0 for all. */
        perLevel: z.number().int().min(0).default(0),
        protocol: z.enum(['mean@k', 'majority@k', 'paper-best-of-2']).default('mean@k'),
        /** Count "Yes, they are" as "yes" where gold is yes or no; the official metric does not. */
        lenientYesNo: z.boolean().default(false),
      })
      .strict()
      .prefault({}),
  })
  .strict();
export type Settings = z.infer<typeof Settings>;

/**
 * The published code's values where they differ from our defaults; applied when the mode is `reference` (methods 1.5,
 * 4.1, 4.4). It counts 4,096 tokens of GPT-4's encoding where we count characters, at four to a token. Its temperature
 * of self-instruct is misspelt and never sent, so that its model server's own, 0.7, is what it ran with.
 */
export const referenceSettings = {
  selfInstruct: { parallelRounds: 1, sampling: { temperature: 0.7, topP: 0.75, topK: 40 } },
  synthesis: { maxTokens: 128 },
  planning: { sampling: { temperature: 0.5, topP: 0.75, topK: 40 } },
  maxPromptChars: 16_384,
  maxTokens: { thought: 256, action: 256 },
} as const;

export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly reason = 'settings';
  readonly fatal = true;
}

/**
 * Merges layers of settings, later ones winning, and fills in the defaults.
 * @throws SettingsError that names each wrong setting by its path.
 */
export function resolveSettings(...layers: readonly (Readonly<Record<string, unknown>> | undefined)[]): Settings {
  const given = layers.reduce<Record<string, unknown>>(
    (all, layer) => (layer === undefined ? all : merge(all, layer)),
    {},
  );
  const preset = presets[given['preset'] as PresetName] as Readonly<Record<string, unknown>> | undefined;
  const chosen = preset === undefined ? given : merge(preset, given);
  const base = chosen['mode'] === 'reference' ? merge({ ...referenceSettings }, chosen) : chosen;
  const parsed = Settings.safeParse(base);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.') || '(settings)'}: ${issue.message}`);
  throw new SettingsError(`Some settings are not valid:\n${lines.join('\n')}`);
}

function merge(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const out: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    if (key === '__proto__') continue;
    const old = out[key];
    out[key] = isRecord(old) && isRecord(value) ? merge(old, value) : value;
  }
  return out;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads `a.b=c` as given on a command line into a layer of settings; the value is JSON where it parses, else text. */
export function settingFromText(text: string): Record<string, unknown> {
  const at = text.indexOf('=');
  if (at < 1)
    throw new SettingsError(`"${text}" is not a setting. Write it as name=value, for example planning.maxSteps=8.`);
  let value: unknown = text.slice(at + 1);
  try {
    value = JSON.parse(text.slice(at + 1));
  } catch {
    // Text that is no JSON stands for itself.
  }
  return text
    .slice(0, at)
    .split('.')
    .reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>;
}
