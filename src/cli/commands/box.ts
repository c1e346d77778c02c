import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureBoxPython } from '../../node/box/boxEnvironment.ts';
import type { BoxInput } from '../../node/box/boxes.ts';
import { addBox, findBox, listBoxes, removeBox } from '../../node/box/boxes.ts';
import type { PreflightItem } from '../../node/box/preflight.ts';
import { mustHavePython, preflight } from '../../node/box/preflight.ts';
import { packageRoot } from '../../node/packageRoot.ts';
import { act, printJson, UsageError, type CommonOptions } from '../action.ts';
import { exitCodes } from '../exitCodes.ts';
import { openBoxHere } from '../openBoxHere.ts';

interface AddOptions extends CommonOptions {
  readonly transport?: string;
  readonly sshConfig?: string;
  readonly folder?: string;
  readonly python?: string;
  readonly base?: string;
}

/** Names are those of the box's Slurm settings. */
interface SlurmOptions {
  readonly slurm?: boolean;
  readonly partition?: string;
  readonly account?: string;
  readonly qos?: string;
  readonly time?: string;
  readonly gres?: string;
  readonly nodes?: string;
  readonly sbatch?: readonly string[];
}

const marks = { ok: '✓', warn: '!', fail: '✗' };

export function addBoxCommands(program: Command): void {
  const box = program.command('box');

  box
    .command('add')
    .description('Add a box, or replace the one of that name.')
    .argument('<name>', 'what training.box calls it')
    .argument('<host>', 'a host of ~/.ssh/config, or an address')
    .option('--transport <kind>', 'ssh, or system-ssh for certificates, security keys, Kerberos and ProxyCommand')
    .option('--ssh-config <file>', 'read instead of ~/.ssh/config')
    .option('--folder <path>', 'folder on the box for code, models and jobs (default: ~/.autoact)')
    .option('--python <path>', "interpreter on the box that has the trainer's packages (default: found by the check)")
    .option('--base <path>', 'the base model on the box, where it is too large to be sent')
    .option('--slurm', 'the host is the login node of a Slurm cluster; each of the following says so too')
    .option('--partition <name>', "the queue's partition")
    .option('--account <name>', 'what is charged')
    .option('--qos <name>', 'quality of service')
    .option('--time <time>', 'time limit of one job (hours:minutes:seconds); longer training is queued again')
    .option('--gres <resources>', 'GPUs of a node: gpu:1')
    .option('--nodes <count>', 'nodes that hold the base together (default: 1)')
    .option('--sbatch <option...>', 'further options of sbatch: --sbatch=--mem=32G')
    .option('--json', 'print JSON')
    .action((name: string, host: string, options: AddOptions & SlurmOptions) =>
      act(options, () => {
        const { json, sshConfig, slurm, partition, account, qos, time, gres, nodes, sbatch, ...rest } = options;
        if (sshConfig !== undefined && !existsSync(resolve(sshConfig)))
          throw new UsageError(`There is no file ${resolve(sshConfig)}. --ssh-config takes an ssh configuration here.`);
        const queue = {
          ...{ partition, account, qos, time, gres, options: sbatch },
          nodes: nodes === undefined ? undefined : Number(nodes),
        };
        const given = Object.fromEntries(Object.entries(queue).filter(([, value]) => value !== undefined));
        const added = addBox({
          name,
          host,
          ...rest,
          ...(slurm === true || Object.keys(given).length > 0 ? { slurm: given } : {}),
          ...(sshConfig === undefined ? {} : { sshConfig: resolve(sshConfig) }),
        } as BoxInput);
        if (json === true) printJson(added);
        else process.stdout.write(`Added. See whether it can train: autoact box check ${name}\n`);
        return Promise.resolve(undefined);
      }),
    );

  box
    .command('list')
    .description('List the boxes.')
    .option('--json', 'print JSON')
    .action((options: CommonOptions) =>
      act(options, () => {
        const boxes = listBoxes();
        if (options.json === true) printJson(boxes);
        else if (boxes.length === 0)
          process.stdout.write('No box besides local. Add one with: autoact box add NAME HOST\n');
        else
          for (const { name, host, transport, folder, slurm } of boxes)
            process.stdout.write(
              `${name.padEnd(16)}  ${host.padEnd(32)}  ${(slurm === undefined ? transport : 'slurm').padEnd(10)}  ${folder}\n`,
            );
        return Promise.resolve(undefined);
      }),
    );

  box
    .command('check')
    .description('Connect to a box and see what it has for training: Python, GPUs, disk, and what ends its programs.')
    .argument('<name>')
    .option('--url <address...>', 'addresses that the box should reach, such as a package index')
    .option('--json', 'print JSON')
    .action((name: string, options: CommonOptions & { readonly url?: readonly string[] }) =>
      act(options, async (signal) => {
        const chosen = findBox(name);
        const opened = await openBoxHere(chosen);
        try {
          const { items, python } = await preflight(opened.files, chosen, {
            boxFolder: join(packageRoot(), 'box'),
            signal,
            ...(options.url === undefined ? {} : { urls: options.url }),
          });
          if (options.json === true) printJson({ box: name, ...(python === undefined ? {} : { python }), items });
          else for (const item of items) process.stdout.write(lineOf(item));
          return items.some(({ state }) => state === 'fail') ? exitCodes.unhealthy : exitCodes.ok;
        } finally {
          await opened.close();
        }
      }),
    );

  box
    .command('prepare')
    .description(
      'Make the Python environment on a box, unless it has one that can train. Done before a first job anyway.',
    )
    .argument('<name>')
    .option('--wheelhouse <folder>', 'wheels on this machine, sent along for a box without internet')
    .option('--json', 'print JSON')
    .action((name: string, options: CommonOptions & { readonly wheelhouse?: string }) =>
      act(options, async (signal) => {
        const chosen = findBox(name);
        const opened = await openBoxHere(chosen);
        const boxFolder = join(packageRoot(), 'box');
        try {
          const found = await preflight(opened.files, chosen, { boxFolder, signal });
          const python =
            chosen.python === undefined
              ? await ensureBoxPython({ files: opened.files, folder: chosen.folder }, found, {
                  ...{ name, boxFolder, signal, tell: (message: string) => process.stderr.write(`${message}\n`) },
                  ...(options.wheelhouse === undefined ? {} : { wheelhouse: resolve(options.wheelhouse) }),
                })
              : mustHavePython(name, found);
          if (options.json === true) printJson({ box: name, python });
          else process.stdout.write(`${name} trains with ${python}\n`);
          return undefined;
        } finally {
          await opened.close();
        }
      }),
    );

  box
    .command('remove')
    .description('Forget a box. What is on it stays there.')
    .argument('<name>')
    .option('--json', 'print JSON')
    .action((name: string, options: CommonOptions) =>
      act(options, () => {
        removeBox(name);
        if (options.json === true) printJson({ removed: name });
        else process.stdout.write(`Removed. Its files are still on the machine.\n`);
        return Promise.resolve(undefined);
      }),
    );
}

function lineOf({ item, state, found, remedy }: PreflightItem): string {
  return `${marks[state]} ${item.padEnd(16)} ${found}\n${remedy === undefined ? '' : `  ${' '.repeat(16)} ${remedy}\n`}`;
}
