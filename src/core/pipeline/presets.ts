/** Named layers of settings; anything that a task card or a command line says wins over them. */
export const presetNames = ['paper', 'paper-70b', 'published-code', 'starter'] as const;
export type PresetName = (typeof presetNames)[number];

/** The paper's hyper-parameters (its Table 4 and section 3): 800 pairs, 200 trajectories, LoRA, best of two answers. */
const paper = {
  selfInstruct: {
    instances: 800,
    perRound: 10,
    seedExamples: 2,
    generatedExamples: 3,
    maxTokens: 1024,
    passages: 0,
  },
  toolSelection: { count: 3 },
  synthesis: { rollouts: 1, maxSteps: 15 },
  filter: { trajectories: 200, by: 'reward' },
  training: {
    rank: 8,
    alpha: 16,
    dropout: 0.05,
    targetModules: ['q_proj', 'v_proj'],
    learningRate: 1e-4,
    warmup: 0.03,
    epochs: 5,
    batchSize: 4,
    maxLength: 4096,
  },
  planning: { maxSteps: 10, maxReflections: 1 },
  evaluation: { samples: 2, protocol: 'paper-best-of-2' },
} as const;

/**
 * For the starter model on documents other than its own world's: short answers and prompts, and room in the context for
 * text that it reads almost letter by letter. A test compares this with the starter task's card.
 */
const starter = {
  selfInstruct: {
    perRound: 3,
    parallelRounds: 32,
    passages: 2,
    similarity: 0.9,
    perAnswerCap: 30,
    maxTokens: 160,
    sampling: { temperature: 0.5, topP: 1, topK: 0 },
  },
  synthesis: { maxSteps: 10, rollouts: 2 },
  training: { learningRate: 0.002, targetModules: ['q_proj', 'k_proj', 'v_proj', 'o_proj'], batchSize: 16 },
  maxTokens: { thought: 64, action: 24 },
  embedded: { contextSize: 3072, parallel: 32 },
  maxPromptChars: 2800,
  toolSelection: { attempts: 30, sampling: { temperature: 0.9, topP: 1, topK: 0 } },
} as const;

export const presets: Readonly<Record<PresetName, Readonly<Record<string, unknown>>>> = {
  paper,
  'paper-70b': { ...paper, training: { ...paper.training, epochs: 3 } },
  /** Its scripts: 2 examples on each of 8 GPUs make a batch of 16 (methods 4.4, row 17), and its loop. */
  'published-code': { ...paper, mode: 'reference', training: { ...paper.training, batchSize: 16 } },
  starter,
};
