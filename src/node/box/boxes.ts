import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { writeFileAtomic } from '../store/atomicFile.ts';
import { BoxError } from './boxErrors.ts';
import { SlurmSettings } from './slurm/slurmSettings.ts';
import { HostAlias } from './ssh/sshHost.ts';

const line = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[^\0\n\r]+$/);

/** A machine to train on, as the user describes it. */
export const Box = z.strictObject({
  /** What training.box calls it. `local` is this machine and always there. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'a name has letters, digits, and _ . - after the first')
    .refine((name) => name !== 'local', '"local" is this machine'),
  /** A host of ~/.ssh/config, or an address. */
  host: HostAlias,
  /** Read instead of ~/.ssh/config. */
  sshConfig: line.regex(/^(\/|[A-Za-z]:[\\/])/, 'an ssh configuration is named by its absolute path').optional(),
  /** `system-ssh`: OpenSSH's own client, for certificates, security keys, Kerberos and ProxyCommand. */
  transport: z.enum(['ssh', 'system-ssh']).default('ssh'),
  /** Folder on the box for code, models and jobs. */
  folder: line.regex(/^(~(\/|$)|\/)/, 'a folder begins with / or ~/').default('~/.autoact'),
  /** Interpreter on the box that has the trainer's packages; found by the preflight check when it is left out. */
  python: line.regex(/^(\/.*|[A-Za-z0-9_.+-]+)$/, 'an interpreter is an absolute path or a command').optional(),
  /** The base model on the box, where it is too large to be sent. */
  base: line.regex(/^\//, 'the base model is named by its absolute path').optional(),
  /** For a host that is the login node of a Slurm cluster. */
  slurm: SlurmSettings.optional(),
});
export type Box = z.infer<typeof Box>;
/** As it is written: what has a default may be left out. */
export type BoxInput = z.input<typeof Box>;

const Registry = z.object({ version: z.literal(1), boxes: z.array(Box) });

/** The user's folder for settings that are no workspace's. */
export function configFolder(env: NodeJS.ProcessEnv = process.env): string {
  const roaming = process.platform === 'win32' ? env['APPDATA'] : env['XDG_CONFIG_HOME'];
  const parent = roaming === undefined || roaming === '' ? join(homedir(), '.config') : roaming;
  return join(parent, 'autoact');
}

/** Boxes in the order of their names. @throws BoxError 'malformed-file' */
export function listBoxes(folder = configFolder()): readonly Box[] {
  const path = fileIn(folder);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new BoxError('malformed-file', `${path} cannot be read. Mend its permissions.`, { cause: error });
  }
  const parsed = Registry.safeParse(parseJson(text));
  if (!parsed.success)
    throw new BoxError(
      'malformed-file',
      `${path} does not hold a list of boxes: ${describe(parsed.error)}. Mend it, or remove it and add the boxes again.`,
    );
  return parsed.data.boxes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws BoxError 'unknown-box' */
export function findBox(name: string, folder = configFolder()): Box {
  const boxes = listBoxes(folder);
  const found = boxes.find((box) => box.name === name);
  if (found !== undefined) return found;
  const known = ['local', ...boxes.map((box) => box.name)].join(', ');
  throw new BoxError('unknown-box', `There is no box "${name}". Known: ${known}. Add it with: autoact box add`);
}

/** Adds a box, or replaces the one of its name. @throws BoxError 'bad-box' */
export function addBox(box: BoxInput, folder = configFolder()): Box {
  const parsed = Box.safeParse(box);
  if (!parsed.success) throw new BoxError('bad-box', `This is no box: ${describe(parsed.error)}.`);
  write(folder, [...listBoxes(folder).filter(({ name }) => name !== parsed.data.name), parsed.data]);
  return parsed.data;
}

/** What is on the box stays there. @throws BoxError 'unknown-box' */
export function removeBox(name: string, folder = configFolder()): void {
  findBox(name, folder);
  write(
    folder,
    listBoxes(folder).filter((box) => box.name !== name),
  );
}

function write(folder: string, boxes: readonly Box[]): void {
  writeFileAtomic(fileIn(folder), `${JSON.stringify({ version: 1, boxes }, null, 2)}\n`);
}

const fileIn = (folder: string): string => join(folder, 'boxes.json');

function describe(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; ');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
