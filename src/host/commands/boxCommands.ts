import * as vscode from 'vscode';
import * as z from 'zod';
import { addBox, listBoxes, removeBox } from '../../node/box/boxes.ts';
import { JobId } from '../../core/box/boxStatus.ts';
import type { ServingEvent } from '../../core/box/boxStatus.ts';
import { visible, visibleLine } from '../../core/trajectory/visible.ts';
import { boxesView } from '../../contrib/ids.ts';
import type { CliEnd } from '../boxes/boxService.ts';
import { withAdapters } from '../boxes/boxesModel.ts';
import { describeError, showProblem, UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import { targetTask } from './targets.ts';
import { pickOne } from '../pickOne.ts';

/** What the view hands over; anything else came from the palette. */
const BoxArgument = z.object({ box: z.object({ name: z.string() }) });
const JobArgument = z.object({
  box: z.object({ name: z.string() }),
  job: z.object({ id: JobId, kind: z.enum(['train', 'serve']) }),
});

/** What `jobs cancel` says; it ends with this code when a stopped job's GPU is not free. */
const Cancelled = z.object({ gpu: z.object({ state: z.string(), message: z.string() }).optional() });
const exitCodeOfHeldGpu = 7;

export async function addBoxFromEditor(services: Services): Promise<void> {
  const host = await vscode.window.showInputBox({
    title: vscode.l10n.t('AutoAct: Add Box (1 of 2)'),
    prompt: vscode.l10n.t('A host of your ~/.ssh/config, or an address'),
    placeHolder: 'gpu.example.org',
    ignoreFocusOut: true,
  });
  if (host === undefined || host.trim() === '') return;
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t('AutoAct: Add Box (2 of 2)'),
    prompt: vscode.l10n.t('What training.box and this view call it'),
    value:
      host
        .trim()
        .split(/[.@:]/)
        .find((part) => part !== '') ?? 'gpu',
    ignoreFocusOut: true,
    validateInput: (value) =>
      listBoxes().some((box) => box.name === value.trim())
        ? vscode.l10n.t('There is a box of that name, which this would replace.')
        : undefined,
  });
  if (name === undefined || name.trim() === '') return;
  addBox({ name: name.trim(), host: host.trim() });
  services.boxes.refresh();
  services.boxes.connect(name.trim());
  await showBoxes();
}

export async function connectBox(services: Services, argument: unknown): Promise<void> {
  const name = await boxOf(argument);
  if (name === undefined) return;
  services.boxes.connect(name);
  await showBoxes();
}

/** What becomes of a box is shown there, and nowhere else. */
async function showBoxes(): Promise<void> {
  await vscode.commands.executeCommand(`${boxesView}.focus`);
}

export async function disconnectBox(services: Services, argument: unknown): Promise<void> {
  const name = await boxOf(argument);
  if (name === undefined) return;
  services.boxes.disconnect(name);
  await showBoxes();
}

export async function checkBox(services: Services, argument: unknown): Promise<void> {
  const name = await boxOf(argument);
  if (name === undefined) return;
  const { lines, error, exit } = await working(vscode.l10n.t('checking {0}', name), () =>
    services.boxes.run(['box', 'check', name]),
  );
  if (lines.length === 0)
    throw new UserError(
      error?.message ?? exit.tail.at(-1) ?? vscode.l10n.t('The check of {0} said nothing. See the log.', name),
    );
  services.jobLog.replace(lines.map((line) => visible(line)).join('\n'));
  services.jobLog.show(true);
}

export async function removeBoxFromEditor(services: Services, argument: unknown): Promise<void> {
  const name = await boxOf(argument);
  if (name === undefined) return;
  const remove = vscode.l10n.t('Remove');
  const chosen = await vscode.window.showWarningMessage(
    vscode.l10n.t('Forget the box "{0}"?', name),
    { modal: true, detail: vscode.l10n.t('What is on the machine stays there, and jobs go on.') },
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
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('AutoAct: serving from {0}', box.name),
      cancellable: true,
    },
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
      vscode.l10n.t(
        '{0} from {1} must not be used: {2}',
        bad.map(({ name }) => name).join(', '),
        box.name,
        bad[0]?.verdict.message ?? '',
      ),
    );
  tell(
    services,
    vscode.l10n.t('AutoAct: {0} adapters answer from {1} as they were trained.', serving.adapters.length, box.name),
    vscode.l10n.t('Use These Adapters for the Roles'),
    () => useServing(services, serving),
  );
}

export async function stopJob(services: Services, argument: unknown): Promise<void> {
  const { box, job } = jobOf(argument);
  const stop = async (): Promise<void> => {
    if (job.kind === 'serve' && (await services.boxes.stopServing(box.name, job.id))) return;
    const { lines } = orThrow(
      await services.boxes.run(['jobs', 'cancel', `${box.name}/${job.id}`, '--json']),
      exitCodeOfHeldGpu,
    );
    const { gpu } = Cancelled.safeParse(JSON.parse(lines.at(-1) ?? '{}')).data ?? {};
    if (gpu?.state === 'held') throw new UserError(`${box.name}: ${visibleLine(gpu.message, 500)}`);
  };
  await working(vscode.l10n.t('stopping {0}', job.id), () => services.boxes.whileStopping(box.name, job.id, stop));
}

export function openJob(services: Services, argument: unknown): void {
  const { box, job } = jobOf(argument);
  services.jobs.show({ box: box.name, job: job.id, kind: job.kind });
}

/** Training that was stopped, failed or vanished goes on from its last checkpoint. */
export async function resumeJob(services: Services, argument: unknown): Promise<void> {
  const { box, job } = jobOf(argument);
  orThrow(
    await working(vscode.l10n.t('starting {0} again', job.id), () =>
      services.boxes.run(['jobs', 'resume', `${box.name}/${job.id}`, '--json']),
    ),
  );
}

export async function fetchJob(services: Services, argument: unknown): Promise<void> {
  const { box, job } = jobOf(argument);
  const chosen = await vscode.window.showOpenDialog({
    ...{
      canSelectFiles: false,
      canSelectFolders: true,
      canSelectMany: false,
      openLabel: vscode.l10n.t('Download Here'),
    },
    title: vscode.l10n.t('AutoAct: a folder "{0}" with the adapters is made in it', job.id),
  });
  if (chosen?.[0] === undefined) return;
  const to = vscode.Uri.joinPath(chosen[0], job.id);
  orThrow(
    await working(vscode.l10n.t('downloading {0}', job.id), () =>
      services.boxes.run(['jobs', 'fetch', `${box.name}/${job.id}`, '--to', to.fsPath, '--json']),
    ),
  );
  tell(services, vscode.l10n.t('AutoAct: the adapters are in {0}.', to.fsPath), vscode.l10n.t('Reveal'), () =>
    vscode.commands.executeCommand('revealFileInOS', to),
  );
}

export async function openJobLog(services: Services, argument: unknown): Promise<void> {
  const { box, job } = jobOf(argument);
  const { lines } = orThrow(
    await working(vscode.l10n.t('reading the log of {0}', job.id), () =>
      services.boxes.run(['jobs', 'show', `${box.name}/${job.id}`, '--log', '--json']),
    ),
  );
  const parsed = z.object({ log: z.string() }).safeParse(JSON.parse(lines.at(-1) ?? '{}'));
  const text = parsed.success ? parsed.data.log : '';
  services.jobLog.replace(
    `${box.name}/${job.id}\n\n${text === '' ? vscode.l10n.t('The log is empty.') : visible(text)}`,
  );
  services.jobLog.show(true);
}

export async function useAdapters(services: Services, argument: unknown): Promise<void> {
  const { box, job } = jobOf(argument);
  const serving = services.boxes.find(box.name)?.served.find((one) => [one.job, one.of].includes(job.id))?.event;
  if (serving === undefined)
    throw new UserError(
      vscode.l10n.t('This server has no port in this window.'),
      vscode.l10n.t('Serve the training job that it belongs to first.'),
    );
  await useServing(services, serving);
}

/** Sets the role map of a task: its next run asks these adapters. */
async function useServing(services: Services, serving: ServingEvent): Promise<void> {
  const bad = serving.adapters.find(({ verdict }) => verdict.ok === false);
  if (bad !== undefined) throw new UserError(vscode.l10n.t('{0} must not be used: {1}', bad.name, bad.verdict.message));
  const task = await targetTask(services, undefined);
  if (task === undefined) return;
  const configuration = withAdapters(services.configurations.get(task.file), serving);
  if (configuration === undefined)
    throw new UserError(
      vscode.l10n.t('None of {0} is the adapter of a role.', serving.adapters.map(({ name }) => name).join(', ')),
      vscode.l10n.t('Roles are plan, tool and reflect.'),
    );
  await services.configurations.set(task.file, configuration);
  // Open dashboards are drawn anew by this.
  await services.keys.set(serving.baseURL, serving.apiKey);
  void vscode.window.showInformationMessage(
    vscode.l10n.t(
      'AutoAct: the next run of "{0}" asks {1} on {2}.',
      visibleLine(task.name, 80),
      serving.adapters.map(({ model }) => model).join(', '),
      serving.box,
    ),
  );
}

async function boxOf(argument: unknown): Promise<string | undefined> {
  const given = BoxArgument.safeParse(argument);
  if (given.success) return given.data.box.name;
  const boxes = listBoxes();
  if (boxes.length === 0)
    throw new UserError(vscode.l10n.t('There is no box yet.'), vscode.l10n.t('Add one with "AutoAct: Add Box…".'));
  const chosen = await pickOne(
    boxes.map(({ name, host }) => ({ label: name, description: host })),
    { title: vscode.l10n.t('Which box?') },
  );
  return chosen?.label;
}

function jobOf(argument: unknown): z.infer<typeof JobArgument> {
  const given = JobArgument.safeParse(argument);
  if (!given.success) throw new UserError(vscode.l10n.t('Choose a job in the Boxes view.'));
  return given.data;
}

/** Exit codes besides 0 that are no error of the command line: `fine`. */
function orThrow(end: CliEnd, fine?: number): CliEnd {
  if (end.error !== undefined) throw new UserError(end.error.message, end.error.remedy);
  if (end.exit.code !== 0 && end.exit.code !== fine)
    throw new UserError(end.exit.tail.at(-1) ?? vscode.l10n.t('The command line ended with an error. See the log.'));
  return end;
}

/** A notification with something to do: nobody waits for its answer, which may never come. */
function tell(services: Services, message: string, action: string, act: () => unknown): void {
  const answered = async (): Promise<void> => {
    if ((await vscode.window.showInformationMessage(message, action)) === action) await act();
  };
  answered().catch((error: unknown) => void showProblem(services.log, describeError(error)));
}

function working<T>(what: string, work: () => Promise<T>): Thenable<T> {
  return vscode.window.withProgress({ location: { viewId: 'autoact.boxes' }, title: `AutoAct: ${what}` }, work);
}
