/**
 * `reference` follows the behaviour of the published code, `fixed` its corrections; each switch names its row in the
 * comparison of paper and code (research: methods 4.4). Both are recorded in the run.
 */
export interface Mode {
  readonly id: 'fixed' | 'reference';
  /** Row 3: the selection prompt shows definitions only, and its answer is neither limited to k nor deduplicated. */
  readonly definitionsOnly: boolean;
  readonly exactToolCount: boolean;
  /** Row 4: examples are drawn from one pool of seeds and generated pairs, and may repeat. */
  readonly separateExamplePools: boolean;
  /** Row 5: duplicates are pairs with the same answer, and answers of 20 characters or more are dropped. */
  readonly dedupeByAnswer: boolean;
  /** Row 9: kept trajectories are stratified by length. */
  readonly stratifiedFilter: boolean;
  /** Row 11: the reflect agent also learns from answers that were wrong. */
  readonly balancedReflection: boolean;
  /** Steps whose action could not be read are context for training, never targets. */
  readonly trainOnReadableStepsOnly: boolean;
  /** Methods 4.3: planning after a rejected answer is learned too, when it led to the right one. Arguments always are. */
  readonly trainAfterRejection: boolean;
  /** Rows 12, 13, 20 and methods 1.3: the published loop, with its step limit, exact names and rule for Lookup. */
  readonly publishedLoop: boolean;
  /** Row 16: an unreadable choice counts as the option with the largest overlap, the first on a tie. */
  readonly lenientChoice: boolean;
  /** Row 19: text is cut at label words. */
  readonly cutAtLabelWords: boolean;
  /** Methods 1.3 (6): one more try at temperature 0 with the legal actions listed. */
  readonly repairPrompt: boolean;
}

export const modes: Readonly<Record<Mode['id'], Mode>> = {
  fixed: {
    id: 'fixed',
    definitionsOnly: false,
    exactToolCount: true,
    separateExamplePools: true,
    dedupeByAnswer: false,
    stratifiedFilter: true,
    balancedReflection: true,
    trainOnReadableStepsOnly: true,
    trainAfterRejection: true,
    publishedLoop: false,
    lenientChoice: false,
    cutAtLabelWords: false,
    repairPrompt: true,
  },
  reference: {
    id: 'reference',
    definitionsOnly: true,
    exactToolCount: false,
    separateExamplePools: false,
    dedupeByAnswer: true,
    stratifiedFilter: false,
    balancedReflection: false,
    trainOnReadableStepsOnly: false,
    trainAfterRejection: false,
    publishedLoop: true,
    lenientChoice: true,
    cutAtLabelWords: true,
    repairPrompt: false,
  },
};
