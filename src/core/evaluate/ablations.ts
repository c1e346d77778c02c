/**
 * The rows of the paper's Table 2 in kind: one part of the system taken away at a time, each a configuration of the
 * same code (methods 4.5).
 */

export const ablationIds = ['full', 'no-reflection', 'no-division', 'no-fine-tuning', 'no-filtering'] as const;
export type AblationId = (typeof ablationIds)[number];

export interface Ablation {
  readonly id: AblationId;
  readonly title: string;
  /** What differs from the full system, in a sentence. */
  readonly change: string;
  /** Direction that the paper leads one to expect against the full system; the full system has none. */
  readonly expected: 'lower' | undefined;
  /** Table 2, Llama-2-70B: F1 on HotpotQA, accuracy on ScienceQA, in points; oracle best-of-2 by all appearances. */
  readonly paper: { readonly hotpotqa: number; readonly scienceqa: number };
  readonly adapters: 'three' | 'one' | 'none';
  /** `random`: as many trajectories as the full system trains on, drawn without looking at their reward. */
  readonly trainingData: 'filtered' | 'random' | 'none';
  readonly reflection: boolean;
}

export const ablations: readonly Ablation[] = [
  {
    id: 'full',
    title: 'AutoAct',
    change: 'The full system: three adapters trained on filtered trajectories.',
    expected: undefined,
    paper: { hotpotqa: 48.47, scienceqa: 78.61 },
    adapters: 'three',
    trainingData: 'filtered',
    reflection: true,
  },
  {
    id: 'no-reflection',
    title: 'without reflection',
    change: 'The first answer ends the run; the reflect agent is not asked.',
    expected: 'lower',
    paper: { hotpotqa: 45.66, scienceqa: 75.28 },
    adapters: 'three',
    trainingData: 'filtered',
    reflection: false,
  },
  {
    id: 'no-division',
    title: 'without division of labour',
    change: 'One adapter, trained on the three agents’ examples together, serves all three roles.',
    expected: 'lower',
    paper: { hotpotqa: 42.81, scienceqa: 69.72 },
    adapters: 'one',
    trainingData: 'filtered',
    reflection: true,
  },
  {
    id: 'no-fine-tuning',
    title: 'without fine-tuning',
    change: 'The base model in all three roles, zero-shot.',
    expected: 'lower',
    paper: { hotpotqa: 32.84, scienceqa: 61.94 },
    adapters: 'none',
    trainingData: 'none',
    reflection: true,
  },
  {
    id: 'no-filtering',
    title: 'without filtering',
    change: 'Three adapters trained on as many trajectories, drawn at random whatever their reward.',
    expected: 'lower',
    paper: { hotpotqa: 32.51, scienceqa: 59.17 },
    adapters: 'three',
    trainingData: 'random',
    reflection: true,
  },
];

/** One sentence for the report's "expected from the paper". */
export function expectation({ expected, paper }: Ablation): string | undefined {
  const full = ablations[0]?.paper;
  if (expected === undefined || full === undefined) return undefined;
  const lost = (a: number, b: number): string => `−${(a - b).toFixed(2)}`;
  return `${expected[0]?.toUpperCase()}${expected.slice(1)} than the full system; with Llama-2-70B the paper has ${lost(full.hotpotqa, paper.hotpotqa)} on HotpotQA (F1) and ${lost(full.scienceqa, paper.scienceqa)} on ScienceQA (accuracy).`;
}
