/** How imperfect the authors of the trajectories are. Every rate is a probability; the command line can set each. */
export interface Rates {
  /** Authors who plan badly and trust themselves. The others plan ahead. */
  readonly careless: number;
  /** A careless author takes what was just read for the answer, at each place where something is still missing. */
  readonly earlyFinish: number;
  /** A careless author opens another page than the one that is needed. */
  readonly wrongArgument: number;
  /** A careless author uses another tool than the one that fits. */
  readonly wrongTool: number;
  /** A careless author writes an action that cannot be read. */
  readonly malformed: number;
  /** A careless author picks the wrong one of the values that were found. */
  readonly wrongPick: number;
  /** Each of the faults above but early finishes, for careful authors. */
  readonly carefulFault: number;
  /** A careless author takes another value of the right page for the one that was asked for. */
  readonly misread: number;
  /** An author's first thought is in the manner of the other kind. */
  readonly styleLeak: number;
  /** Answers are judged by somebody who looks at the steps; the others say right nearly always. */
  readonly carefulJudge: number;
  readonly carefulVerdict: number;
  readonly overConfident: number;
  /** Pairs of the self-instruct texts that are wrong, malformed or repeated. */
  readonly faultyPair: number;
  readonly faultySelection: number;
}

export const defaultRates: Rates = {
  careless: 0.66,
  earlyFinish: 0.85,
  wrongArgument: 0.2,
  wrongTool: 0.06,
  malformed: 0.05,
  wrongPick: 0.25,
  misread: 0.65,
  carefulFault: 0.03,
  styleLeak: 0.04,
  carefulJudge: 0.35,
  carefulVerdict: 0.75,
  overConfident: 0.95,
  faultyPair: 0.04,
  faultySelection: 0.15,
};

/** The starter task's own words first; the others keep the model from depending on them. */
export const descriptions: readonly string[] = [
  'You answer questions about an encyclopedia of an invented world.',
  'You answer questions about the pages of a made-up encyclopedia.',
  'Your task is to answer questions from the encyclopedia of a world that does not exist.',
  'Answer questions about people, places and works of an invented world.',
  'You are asked questions whose answers stand in an encyclopedia of a fictional world.',
  'You find short answers to questions in a fictional encyclopedia.',
];
