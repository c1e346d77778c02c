/** What the process ends with; `autoact --help` lists them. */
export const exitCodes = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  /** A task card, settings, prompts or data file is wrong. */
  input: 3,
  /** A model server, the engine or a tool failed. */
  server: 4,
  /** A stage could not go on, or training failed. */
  stage: 5,
  /** Disk, log or run folder. */
  disk: 6,
  /** Something that `doctor` checks is not in order. */
  unhealthy: 7,
  cancelled: 130,
} as const;

const byReason: Readonly<Record<string, number>> = {
  usage: exitCodes.usage,
  settings: exitCodes.input,
  'task-card': exitCodes.input,
  data: exitCodes.input,
  'missing-input': exitCodes.input,
  'unknown-input': exitCodes.input,
  'malformed-file': exitCodes.input,
  'bad-predictions': exitCodes.input,
  'bad-question': exitCodes.input,
  'unknown-question': exitCodes.input,
  'duplicate-answer': exitCodes.input,
  'run-missing': exitCodes.input,
  'run-exists': exitCodes.input,
  'bad-box': exitCodes.input,
  'unknown-box': exitCodes.input,
  study: exitCodes.input,
  'not-prepared': exitCodes.input,
  prepared: exitCodes.input,
  tampered: exitCodes.input,
  'no-python': exitCodes.stage,
  stage: exitCodes.stage,
  'tool-selection': exitCodes.stage,
  job: exitCodes.stage,
  disk: exitCodes.disk,
  'log-corrupt': exitCodes.disk,
  'log-mismatch': exitCodes.input,
};

/** Classifies an error by its `reason`, never by its text. */
export function exitCodeOf(error: unknown): number {
  const name = error instanceof Error ? error.name : '';
  if (name === 'JobError' && reasonOf(error) === 'no-job') return exitCodes.input;
  if (name === 'ServerError' || name === 'EngineError' || name === 'ToolError' || name === 'ProbeError')
    return exitCodes.server;
  if (name === 'JobError' || name === 'SshError' || name === 'PythonError' || name === 'LoraConversionError')
    return exitCodes.stage;
  const reason = reasonOf(error);
  return (reason === undefined ? undefined : byReason[reason]) ?? exitCodes.unexpected;
}

export function reasonOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'reason' in error && typeof error.reason === 'string'
    ? error.reason
    : undefined;
}
