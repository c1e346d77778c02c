/** Ids that appear both in the manifest and in code. */

export const viewContainer = 'autoact';
/** Labelling has a container of its own, so that it can stand on the other side of the editor. */
export const labelsContainer = 'autoactLabels';
export const runsView = 'autoact.runs';
export const boxesView = 'autoact.boxes';
export const annotateView = 'autoact.annotate';
export const queueView = 'autoact.queue';
export const dataView = 'autoact.data';
export const dashboardPanel = 'autoact.dashboard';
/** The table over trajectories: a panel, and the editor of a file of them. */
export const trajectoriesPanel = 'autoact.trajectories';
export const trajectoriesEditor = 'autoact.trajectoriesEditor';
export const jobPanel = 'autoact.job';
export const walkthrough = 'autoact.start';
/** Publisher and name, as VS Code knows the extension. */
export const extensionId = 'autoact.autoact';

/** URI scheme of trace documents, and the language that they are in. */
export const traceScheme = 'autoact-trace';
export const traceLanguage = 'autoact-trace';
export const traceExtension = '.aatrace';
/** Read-only documents made from a run: provenance, prompts as sent, what was dropped, the doctor's report. */
export const documentScheme = 'autoact-document';
/** Traces that the debugger shows: forks, and trajectories of a file that is no run. */
export const forkScheme = 'autoact-fork';
/** Type of launch configurations. */
export const debugType = 'autoact';

/** Keys of `when` clauses that the host sets. */
export const contextKeys = {
  /** A run was started by this window and is under way. */
  running: 'autoact.running',
  hasTasks: 'autoact.hasTasks',
  hasRuns: 'autoact.hasRuns',
  /** The debug session that is looked at can ask models. */
  debugLive: 'autoact.debugLive',
} as const;

/** `contextValue` of tree items, matched by the manifest's menus. */
export const treeContext = {
  task: 'autoact.task',
  runLive: 'autoact.run.live',
  runResumable: 'autoact.run.resumable',
  runDone: 'autoact.run.done',
  stage: 'autoact.stage',
  trajectory: 'autoact.trajectory',
  fork: 'autoact.fork',
  /** In a file rather than a run: nothing is known of it but itself. */
  storedTrajectory: 'autoact.stored',
  importedTrajectories: 'autoact.imported',
  dropped: 'autoact.dropped',
  more: 'autoact.more',
  boxIdle: 'autoact.box.idle',
  boxConnected: 'autoact.box.connected',
  /** This machine. */
  boxHere: 'autoact.box.here',
  jobTraining: 'autoact.job.training',
  jobTrained: 'autoact.job.trained',
  /** On this machine: its adapters are served by the embedded engine. */
  jobTrainedHere: 'autoact.job.trainedHere',
  /** Training that was stopped, failed or vanished: it can go on. */
  jobHalted: 'autoact.job.halted',
  /** A server that this window has no port to. */
  jobServing: 'autoact.job.serving',
  jobServed: 'autoact.job.served',
  jobEnded: 'autoact.job.ended',
  studyNew: 'autoact.study.new',
  studyPrepared: 'autoact.study.prepared',
  studyRater: 'autoact.rater',
} as const;

/** The performance measure of `activate`, by which the extension host tells our time from its own. */
export const activationMeasure = 'autoact.activation';
/** Of a dataset's first look in the Testing view: its questions with their recorded outcomes. */
export const testsMeasure = 'autoact.tests';
