import type { Command } from 'commander';

/** A file of commands, which is loaded when one of them is asked for: help and one command need not wait for all. */
export interface CommandFile {
  /** What each command is for, by its name. */
  readonly commands: Readonly<Record<string, string>>;
  readonly load: () => Promise<(program: Command) => void>;
}

/** In the order of the help. */
export const commandFiles: readonly CommandFile[] = [
  {
    commands: {
      run: 'Run the AutoAct loop of a task card, or go on with a run.',
    },
    load: async () => (await import('./commands/run.ts')).addRun,
  },
  {
    commands: {
      train: 'Train the adapters of a task or a run on a box, and everything before that where it is missing.',
    },
    load: async () => (await import('./commands/train.ts')).addTrain,
  },
  {
    commands: {
      eval: 'Evaluate the trained group of a run again: on a fresh world, on other questions, with other settings.',
    },
    load: async () => (await import('./commands/eval.ts')).addEval,
  },
  {
    commands: {
      runs: 'List the runs of a workspace, newest first.',
    },
    load: async () => (await import('./commands/runs.ts')).addRuns,
  },
  {
    commands: {
      explain: 'Say where something of a run comes from, what came of it, and why it was dropped.',
    },
    load: async () => (await import('./commands/explain.ts')).addExplain,
  },
  {
    commands: {
      diff: 'Compare two runs: what was set differently, what was trained on for that, and what came of it.',
    },
    load: async () => (await import('./commands/diff.ts')).addDiff,
  },
  {
    commands: {
      score: 'Score predictions against questions with gold answers.',
    },
    load: async () => (await import('./commands/score.ts')).addScore,
  },
  {
    commands: {
      study: 'Let people compare trajectories blindly, and analyse what they said (paper Figure 6).',
    },
    load: async () => (await import('./commands/study.ts')).addStudy,
  },
  {
    commands: {
      import: 'Import data sets, tables, and trajectories and prompts of the published AutoAct code.',
      export: 'Export imported trajectories to the files that they came from, byte for byte.',
    },
    load: async () => (await import('./commands/import.ts')).addImport,
  },
  {
    commands: {
      world: 'Generate a fictional encyclopedia with questions that no model has seen.',
    },
    load: async () => (await import('./commands/world.ts')).addWorld,
  },
  {
    commands: {
      serve: 'Serve a model and LoRA adapters over OpenAI’s HTTP API: on this machine, or from a box.',
    },
    load: async () => (await import('./commands/serve.ts')).addServe,
  },
  {
    commands: {
      tools: 'List the tools of a task card: which can be used, who provides them, and why others cannot.',
    },
    load: async () => (await import('./commands/tools.ts')).addTools,
  },
  {
    commands: {
      box: 'Machines to train on, reached by SSH: training.box names one.',
    },
    load: async () => (await import('./commands/box.ts')).addBoxCommands,
  },
  {
    commands: {
      jobs: 'Jobs on boxes and on this machine (box "local"): training and servers. They outlive this program.',
    },
    load: async () => (await import('./commands/jobs.ts')).addJobs,
  },
  {
    commands: {
      'debug-adapter': 'Debug plans from any editor: speaks the Debug Adapter Protocol on standard input and output.',
    },
    load: async () => (await import('./commands/debugAdapter.ts')).addDebugAdapter,
  },
  {
    commands: {
      doctor: 'Check engine, model, Python, servers and disk, and say what to mend.',
    },
    load: async () => (await import('./commands/doctor.ts')).addDoctor,
  },
];
