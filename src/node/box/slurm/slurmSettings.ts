import * as z from 'zod';

const value = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:,@+/-]*$/, 'has letters, digits and _ . : , @ + / - only');

/** What this product says itself: an option of the user's that did so too would break the job's start or its end. */
const ours = [
  ...['array', 'chdir', 'clusters', 'dependency', 'error', 'help', 'job-name', 'no-requeue', 'open-mode', 'output'],
  ...['parsable', 'quiet', 'requeue', 'signal', 'test-only', 'usage', 'version', 'wait', 'wrap'],
];

/** How jobs are asked for on the login node of a Slurm cluster. */
export const SlurmSettings = z.strictObject({
  partition: value.optional(),
  account: value.optional(),
  qos: value.optional(),
  /** As sbatch's --time: minutes, hours:minutes:seconds, days-hours. A training that needs more is queued again. */
  time: z
    .string()
    .regex(/^(\d+-)?\d+(:\d{1,2}){0,2}$/, 'a time is minutes, hours:minutes:seconds or days-hours')
    .optional(),
  /** As sbatch's --gres: `gpu:1`, `gpu:a100:2`. */
  gres: value.optional(),
  /** More than one: the base is spread over the GPUs of all of them (torchrun with FSDP). */
  nodes: z.number('is a whole number').int().min(1).max(64).optional(),
  /** Seconds before the time limit at which the trainer is told to write a checkpoint; 120 when left out. */
  stopBefore: z.number().int().min(10).max(3600).optional(),
  /** Seconds between two questions to the queue about a job; 15 when left out. Some clusters allow few. */
  askEvery: z.number().int().min(1).max(600).optional(),
  /** Further options of sbatch, each as one word: `--mem=32G`. */
  options: z
    .array(
      z
        .string()
        .max(200)
        .regex(/^--[a-z][a-z-]*(=[^\0\n\r]+)?$/, 'an option of sbatch is one word that begins with --: --mem=32G')
        .refine((option) => !ours.includes(option.slice(2).split('=')[0] ?? ''), {
          error: ({ input }) => `${String(input)} is set by AutoAct itself`,
        }),
    )
    .optional(),
});
export type SlurmSettings = z.infer<typeof SlurmSettings>;

export interface Submission {
  /** Tells our job from others in the queue; two of the name never run at once. */
  readonly name: string;
  /** The job's folder. */
  readonly folder: string;
  /** A program that replaces itself by its arguments. */
  readonly script: string;
  readonly command: readonly string[];
  /** Whether Slurm begins it anew after a preemption. */
  readonly requeue: boolean;
}

/** The command line that puts a job into the queue; it prints the job's number and, on some, `;cluster`. */
export function sbatchCommand(
  settings: SlurmSettings,
  { name, folder, script, command, requeue }: Submission,
): string[] {
  const { partition, account, qos, time, gres, nodes, options = [] } = settings;
  // A % in sbatch's file names begins a pattern.
  const literal = folder.replaceAll('%', '%%');
  return [
    'sbatch',
    ...options,
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(account === undefined ? [] : [`--account=${account}`]),
    ...(qos === undefined ? [] : [`--qos=${qos}`]),
    ...(time === undefined ? [] : [`--time=${time}`]),
    ...(gres === undefined ? [] : [`--gres=${gres}`]),
    ...(nodes === undefined || nodes === 1 ? [] : [`--nodes=${nodes}`, '--ntasks-per-node=1']),
    '--parsable',
    `--job-name=${name}`,
    // Two clients that submit at the same moment get two jobs: the second waits, and finds the work done.
    '--dependency=singleton',
    // What is preempted goes back into the queue, and on from its checkpoint.
    requeue ? '--requeue' : '--no-requeue',
    // To the batch script alone, which is the supervisor: it tells the trainer.
    `--signal=B:TERM@${settings.stopBefore ?? 120}`,
    `--chdir=${folder}`,
    `--output=${literal}/log`,
    '--open-mode=append',
    script,
    ...command,
  ];
}
