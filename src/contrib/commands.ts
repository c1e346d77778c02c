/**
 * Every command, once. The manifest's `contributes.commands` is checked against this list by a unit test, and the host
 * must have a handler for each (the type of its table sees to that).
 */

export interface CommandSpec {
  readonly title: string;
  /** Codicon, shown in views' title bars and inline. */
  readonly icon?: string;
  /** Runs programs or writes files, so it needs a trusted workspace. Guarded in code as well as by `enablement`. */
  readonly needsTrust?: boolean;
}

export const category = 'AutoAct';

export const commands = {
  'autoact.newTask': { title: 'New Task Card…', icon: 'new-file', needsTrust: true },
  'autoact.openStarterTask': { title: 'Open Starter Task', icon: 'rocket', needsTrust: true },
  'autoact.importData': { title: 'Import Data…', icon: 'cloud-download', needsTrust: true },
  'autoact.run': { title: 'Run the Whole Loop', icon: 'run-all', needsTrust: true },
  'autoact.runStage': { title: 'Run One Stage…', icon: 'run', needsTrust: true },
  'autoact.resume': { title: 'Resume Run', icon: 'debug-continue', needsTrust: true },
  'autoact.cancel': { title: 'Cancel Run', icon: 'debug-stop' },
  'autoact.openDashboard': { title: 'Open Dashboard', icon: 'dashboard' },
  'autoact.openResults': { title: 'Open Results', icon: 'graph' },
  'autoact.openTrace': { title: 'Open Trace', icon: 'list-tree' },
  'autoact.openTrajectories': { title: 'Show Trajectories as a Table', icon: 'table' },
  'autoact.searchTrajectories': { title: 'Search Trajectories…', icon: 'search' },
  'autoact.compareTrajectories': { title: 'Compare With Another Trajectory…', icon: 'diff' },
  'autoact.copyLink': { title: 'Copy Link to This Trace', icon: 'link' },
  'autoact.nextTrajectory': { title: 'Next Trajectory', icon: 'arrow-down' },
  'autoact.previousTrajectory': { title: 'Previous Trajectory', icon: 'arrow-up' },
  'autoact.showProvenance': { title: 'Show Provenance', icon: 'references' },
  'autoact.whyDropped': { title: 'Ask Why It Was Dropped', icon: 'question' },
  'autoact.showRequests': { title: 'Show Prompts and Raw Completions of This Trajectory', icon: 'json' },
  'autoact.showPrompts': { title: 'Show Prompts', icon: 'comment' },
  'autoact.overridePrompt': { title: 'Override Prompt in Workspace…', icon: 'edit', needsTrust: true },
  'autoact.doctor': { title: 'Doctor', icon: 'pulse', needsTrust: true },
  'autoact.showLog': { title: 'Show Log', icon: 'output' },
  'autoact.refresh': { title: 'Refresh', icon: 'refresh' },
  'autoact.moveRunToBin': { title: 'Move Run to Bin', icon: 'trash', needsTrust: true },
  'autoact.openWalkthrough': { title: 'Open the Walkthrough', icon: 'mortar-board' },
  'autoact.setApiKey': { title: 'Set API Key of a Server…', icon: 'key', needsTrust: true },
  'autoact.setToolKey': { title: 'Set API Key of a Tool…', icon: 'key', needsTrust: true },
  'autoact.approveTool': { title: 'Approve Tool…', icon: 'shield', needsTrust: true },
  'autoact.addBox': { title: 'Add Box…', icon: 'add', needsTrust: true },
  'autoact.connectBox': { title: 'Connect to Box', icon: 'plug', needsTrust: true },
  'autoact.disconnectBox': { title: 'Disconnect from Box', icon: 'debug-disconnect', needsTrust: true },
  'autoact.checkBox': { title: 'Check Box', icon: 'checklist', needsTrust: true },
  'autoact.removeBox': { title: 'Remove Box…', icon: 'trash', needsTrust: true },
  'autoact.serveJob': { title: 'Serve These Adapters from the Box', icon: 'broadcast', needsTrust: true },
  'autoact.useAdapters': { title: 'Use These Adapters for the Roles', icon: 'check-all', needsTrust: true },
  'autoact.openJob': { title: 'Open Job', icon: 'graph-line' },
  'autoact.resumeJob': { title: 'Resume Job', icon: 'debug-continue', needsTrust: true },
  'autoact.fetchJob': { title: 'Download Adapters of Job…', icon: 'cloud-download', needsTrust: true },
  'autoact.stopJob': { title: 'Stop Job', icon: 'debug-stop', needsTrust: true },
  'autoact.openJobLog': { title: 'Open Log of Job', icon: 'output', needsTrust: true },
  'autoact.startLabelling': { title: 'Start Labelling', icon: 'play' },
  'autoact.judgeTrace': { title: 'Judge This Trajectory', icon: 'law' },
  'autoact.newStudy': { title: 'New Study…', icon: 'add', needsTrust: true },
  'autoact.prepareStudy': { title: 'Prepare Study', icon: 'beaker', needsTrust: true },
  'autoact.analyseStudy': { title: 'Analyse Study', icon: 'graph' },
  'autoact.revealStudy': { title: 'Reveal Key of Study', icon: 'key' },
  'autoact.exportLabels': { title: 'Export Labels…', icon: 'export' },
  'autoact.importLabels': { title: 'Import Labels…', icon: 'desktop-download' },
  'autoact.useLabels': { title: 'Use Labels for Training', icon: 'mortar-board', needsTrust: true },
  'autoact.addComment': { title: 'Add Comment to Step', icon: 'comment' },
  'autoact.removeComment': { title: 'Remove Comment', icon: 'trash' },
  'autoact.debugTrajectory': { title: 'Debug This Trajectory', icon: 'debug-alt' },
  'autoact.debugLive': { title: 'Debug This Trajectory Live', icon: 'debug-start', needsTrust: true },
  'autoact.debugFile': { title: 'Debug a Published Trajectory…', icon: 'debug-alt' },
  'autoact.compareFork': { title: 'Compare Fork with Original', icon: 'diff' },
  'autoact.resampleStep': { title: 'Resample This Step', icon: 'sync' },
} as const satisfies Record<string, CommandSpec>;

export type CommandId = keyof typeof commands;
export const commandIds = Object.keys(commands) as CommandId[];

export function commandSpec(id: CommandId): CommandSpec {
  return commands[id];
}
