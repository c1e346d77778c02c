import type { Command } from 'commander';
import { join, resolve } from 'node:path';
import type { BoxInput } from '../../node/box/boxes.ts';
import { addBox, findBox, listBoxes, removeBox } from '../../node/box/boxes.ts';
import type { PreflightItem } from '../../node/box/preflight.ts';
import { preflight } from '../../node/box/preflight.ts';
import { packageRoot } from '../../node/packageRoot.ts';
import { act, printJson, type CommonOptions } from '../action.ts';
import { exitCodes } from '../exitCodes.ts';
import { openBoxHere } from '../openBoxHere.ts';

interface AddOptions extends CommonOptions {
  readonly transport?: string;
  readonly sshConfig?: string;
  readonly folder?: string;
  readonly python?: string;
  readonly base?: string;
}

const marks = { ok: '✓', warn: '!', fail: '✗' };

export function addBoxCommands(program: Command): void {
  const box = program.command('box').description('Machines to train on, reached by SSH: training.box names one.');

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
    .option('--json', 'print JSON')
    .action((name: string, host: string, options: AddOptions) =>
      act(options, () => {
        const { json, sshConfig, ...rest } = options;
        const added = addBox({
          name,
          host,
          ...rest,
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
          for (const { name, host, transport, folder } of boxes)
            process.stdout.write(`${name.padEnd(16)}  ${host.padEnd(32)}  ${transport.padEnd(10)}  ${folder}\n`);
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
