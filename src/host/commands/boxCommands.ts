import * as vscode from 'vscode';
import * as z from 'zod';
import { addBox, listBoxes, removeBox } from '../../node/box/boxes.ts';
import { JobId } from '../../core/box/boxStatus.ts';
import type { ServingEvent } from '../../core/box/boxStatus.ts';
import { visible, visibleLine } from '../../core/trajectory/visible.ts';
import type { CliEnd } from '../boxes/boxService.ts';
import { withAdapters } from '../boxes/boxesModel.ts';
import { UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import { targetTask } from './targets.ts';

/** What the view hands over; anything else came from the palette. */
const BoxArgument = z.object({ box: z.object({ name: z.string() }) });
const JobArgument = z.object({
  box: z.object({ name: z.string() }),
  job: z.object({ id: JobId, kind: z.enum(['train', 'serve']) }),
});

export async function addBoxFromEditor(services: Services): Promise<void> {
  const host = await vscode.window.showInputBox({
    title: 'AutoAct: Add Box (1 of 2)',
    prompt: 'A host of your ~/.ssh/config, or an address',
    placeHolder: 'gpu.example.org',
    ignoreFocusOut: true,
  });
  if (host === undefined || host.trim() === '') return;
  const name = await vscode.window.showInputBox({
    title: 'AutoAct: Add Box (2 of 2)',
    prompt: 'What training.box and this view call it',
    value:
      host
        .trim()
        .split(/[.@:]/)
        .find((part) => part !== '') ?? 'gpu',
    ignoreFocusOut: true,
    validateInput: (value) =>
      listBoxes().some((box) => box.name === value.trim())
        ? 'There is a box of that name, which this would replace.'
        : undefined,
  });
  if (name === undefined || name.trim() === '') return;
  addBox({ name: name.trim(), host: host.trim() });
  services.boxes.refresh();
  services.boxes.connect(name.trim());
}

export async function connectBox(services: Services, argument: unknown): Promise<void> {
  const name = await boxOf(argument);
  if (name !== undefined) services.boxes.connect(name);
}

export async function disconnectBox(services: Services, argument: unknown): Promise<void> {
  const name = await boxOf(argument);
  if (name !== undefined) services.boxes.disconnect(name);
}

export async function checkBox(services: Services, argument: unknown): Promise<void> {
  const name = await boxOf(argument);
  if (name === undefined) return;
  const { lines, error } = await working(`checking ${name}`, () => services.boxes.run(['box', 'check', name]));
  if (lines.length === 0) throw new UserError(error?.message ?? `The check of ${name} said nothing. See the log.`);
  services.jobLog.replace(lines.map((line) => visible(line)).join('\n'));
  services.jobLog.show(true);
}

export async function removeBoxFromEditor(services: Services, argument: unknown): Promise<void> {
  const name = await boxOf(argument);
  if (name === undefined) return;
  const remove = 'Remove';
  const chosen = await vscode.window.showWarningMessage(
    `Forget the box "${name}"?`,
    { modal: true, detail: 'What is on the machine stays there, and jobs go on.' },
    remove,
  );
  if (chosen !== remove) return;
  services.boxes.disconnect(name);
  removeBox(name);
  services.boxes.refresh();
}

export async function serveJob(services: Services, argument: unknown): Promise<void> {
  const { box, job } = jobOf(argument);
  const serving = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `AutoAct: serving from ${box.name}`, cancellable: true },
    (progress, token) =>
      services.boxes.serve(
        box.name,
        job.id,
        (message) => progress.report({ message: visibleLine(message, 200) }),
        token,
      ),
  );
  const bad = serving.adapters.filter(({ verdict }) => verdict.ok === false);
  if (bad.length > 0)
    throw new UserError(
      `${bad.map(({ name }) => name).join(', ')} from ${box.name} must not be used: ${bad[0]?.verdict.message ?? ''}`,
    );
  const use = 'Use These Adapters for the Roles';
  const chosen = await vscode.window.showInformationMessage(
    `AutoAct: ${serving.adapters.length} adapters answer from ${box.name} as they were trained.`,
    use,
  );
  if (chosen === use) await useServing(services, serving);
}

export async function stopJob(services: Services, argument: unknown): Promise<void> {
  const { box, job } = jobOf(argument);
  await working(`stopping ${job.id}`, async () => {
    if (job.kind === 'serve' && (await services.boxes.stopServing(box.name, job.id))) return;
    orThrow(await services.boxes.run(['jobs', 'cancel', `${box.name}/${job.id}`, '--json']));
  });
}

export async function openJobLog(services: Services, argument: unknown): Promise<void> {
  const { box, job } = jobOf(argument);
  const { lines } = orThrow(
    await working(`reading the log of ${job.id}`, () =>
      services.boxes.run(['jobs', 'show', `${box.name}/${job.id}`, '--log', '--json']),
    ),
  );
  const parsed = z.object({ log: z.string() }).safeParse(JSON.parse(lines.at(-1) ?? '{}'));
  const text = parsed.success ? parsed.data.log : '';
  services.jobLog.replace(`${box.name}/${job.id}\n\n${text === '' ? 'The log is empty.' : visible(text)}`);
  services.jobLog.show(true);
}

export async function useAdapters(services: Services, argument: unknown): Promise<void> {
  const { box, job } = jobOf(argument);
  const serving = services.boxes
    .boxes()
    .find(({ name }) => name === box.name)
    ?.served.find((one) => one.job === job.id);
  if (serving === undefined)
    throw new UserError('This server has no port in this window.', 'Serve the training job that it belongs to first.');
  await useServing(services, serving);
}

/** Sets the role map of a task: its next run asks these adapters. */
async function useServing(services: Services, serving: ServingEvent): Promise<void> {
  const bad = serving.adapters.find(({ verdict }) => verdict.ok === false);
  if (bad !== undefined) throw new UserError(`${bad.name} must not be used: ${bad.verdict.message}`);
  const task = await targetTask(services, undefined);
  if (task === undefined) return;
  const configuration = withAdapters(services.configurations.get(task.file), serving);
  if (configuration === undefined)
    throw new UserError(
      `None of ${serving.adapters.map(({ name }) => name).join(', ')} is the adapter of a role.`,
      'Roles are plan, tool and reflect.',
    );
  await services.configurations.set(task.file, configuration);
  // Open dashboards are drawn anew by this.
  await services.keys.set(serving.baseURL, serving.apiKey);
  void vscode.window.showInformationMessage(
    `AutoAct: the next run of "${visibleLine(task.name, 80)}" asks ${serving.adapters.map(({ model }) => model).join(', ')} on ${serving.box}.`,
  );
}

async function boxOf(argument: unknown): Promise<string | undefined> {
  const given = BoxArgument.safeParse(argument);
  if (given.success) return given.data.box.name;
  const boxes = listBoxes();
  if (boxes.length === 0) throw new UserError('There is no box yet.', 'Add one with "AutoAct: Add Box…".');
  const chosen = await vscode.window.showQuickPick(
    boxes.map(({ name, host }) => ({ label: name, description: host })),
    { title: 'Which box?' },
  );
  return chosen?.label;
}

function jobOf(argument: unknown): z.infer<typeof JobArgument> {
  const given = JobArgument.safeParse(argument);
  if (!given.success) throw new UserError('Choose a job in the Boxes view.');
  return given.data;
}

function orThrow(end: CliEnd): CliEnd {
  if (end.error !== undefined) throw new UserError(end.error.message, end.error.remedy);
  if (end.exit.code !== 0)
    throw new UserError(end.exit.tail.at(-1) ?? 'The command line ended with an error. See the log.');
  return end;
}

function working<T>(what: string, work: () => Promise<T>): Thenable<T> {
  return vscode.window.withProgress({ location: { viewId: 'autoact.boxes' }, title: `AutoAct: ${what}` }, work);
}
