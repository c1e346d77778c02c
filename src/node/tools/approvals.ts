import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { ToolError } from '../../core/tools/toolError.ts';
import { configFolder } from '../box/boxes.ts';
import { writeFileAtomic } from '../store/atomicFile.ts';

/**
 * What the user has allowed to run, by the hash of what it is. Kept with the user's settings and not in the workspace,
 * so that a workspace cannot approve itself; what changes by a letter has to be approved again.
 */
const Approval = z.object({
  sha256: z.string(),
  name: z.string(),
  /** ISO 8601. */
  at: z.string(),
  /** What a server said of its tool when it was approved. */
  detail: z.unknown().optional(),
});
export type Approval = z.infer<typeof Approval>;
const Approvals = z.object({ version: z.literal(1), approved: z.array(Approval) });

const fileIn = (folder: string): string => join(folder, 'tool-approvals.json');

export function approvals(folder = configFolder()): readonly Approval[] {
  let text: string;
  try {
    text = readFileSync(fileIn(folder), 'utf8');
  } catch {
    return [];
  }
  try {
    return Approvals.parse(JSON.parse(text)).approved;
  } catch {
    throw new ToolError(
      'not-approved',
      `${fileIn(folder)} does not hold approvals.`,
      'Remove it, and approve the tools again.',
    );
  }
}

export const findApproval = (sha256: string, folder?: string): Approval | undefined =>
  approvals(folder).find((approval) => approval.sha256 === sha256);

export function approve(approval: Omit<Approval, 'at'>, folder = configFolder()): void {
  const others = approvals(folder).filter(({ sha256 }) => sha256 !== approval.sha256);
  const all = { version: 1, approved: [...others, { ...approval, at: new Date().toISOString() }] };
  writeFileAtomic(fileIn(folder), `${JSON.stringify(all, null, 2)}\n`);
}

const maxScriptBytes = 16 * 2 ** 20;

/** Hash of a description together with the files that its command names: a script that changes is another command. */
export function fingerprint(description: unknown, command: readonly string[], folder: string): string {
  const hash = createHash('sha256').update(JSON.stringify(description));
  for (const part of command) {
    const path = resolve(folder, part);
    try {
      const { size } = statSync(path);
      if (statSync(path).isFile())
        hash.update(`\n${part}\n`).update(size <= maxScriptBytes ? readFileSync(path) : String(size));
    } catch {
      // No file: an option, or a program that is found on the PATH.
    }
  }
  return hash.digest('hex');
}
