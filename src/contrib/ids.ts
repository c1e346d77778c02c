/** Ids that appear both in the manifest and in code. */

export const viewContainer = 'autoact';
export const runsView = 'autoact.runs';
export const boxesView = 'autoact.boxes';
export const dashboardPanel = 'autoact.dashboard';
export const walkthrough = 'autoact.start';
/** Publisher and name, as VS Code knows the extension. */
export const extensionId = 'autoact.autoact';

/** URI scheme of trace documents, and the language that they are in. */
export const traceScheme = 'autoact-trace';
export const traceLanguage = 'autoact-trace';
export const traceExtension = '.aatrace';
/** Read-only documents made from a run: provenance, prompts as sent, what was dropped, the doctor's report. */
export const documentScheme = 'autoact-document';

/** Keys of `when` clauses that the host sets. */
export const contextKeys = {
  /** A run was started by this window and is under way. */
  running: 'autoact.running',
  hasTasks: 'autoact.hasTasks',
  hasRuns: 'autoact.hasRuns',
} as const;

/** `contextValue` of tree items, matched by the manifest's menus. */
export const treeContext = {
  task: 'autoact.task',
  runLive: 'autoact.run.live',
  runResumable: 'autoact.run.resumable',
  runDone: 'autoact.run.done',
  stage: 'autoact.stage',
  trajectory: 'autoact.trajectory',
  dropped: 'autoact.dropped',
  more: 'autoact.more',
  boxIdle: 'autoact.box.idle',
  boxConnected: 'autoact.box.connected',
  jobTraining: 'autoact.job.training',
  jobTrained: 'autoact.job.trained',
  /** A server that this window has no port to. */
  jobServing: 'autoact.job.serving',
  jobServed: 'autoact.job.served',
  jobEnded: 'autoact.job.ended',
} as const;
