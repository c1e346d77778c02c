import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeFileAtomic } from '../store/atomicFile.ts';

/** Names of the boxes to which a run has sent a job: `jobs/sent.json` of its folder. */
const Sent = z.array(z.string());

const fileOf = (run: string): string => join(run, 'jobs', 'sent.json');

function sent(run: string): readonly string[] {
  try {
    return Sent.parse(JSON.parse(readFileSync(fileOf(run), 'utf8')));
  } catch {
    return []; // nothing was sent yet
  }
}

export const hasJobOn = (run: string, box: string): boolean => sent(run).includes(box);

export function noteJobOn(run: string, box: string): void {
  if (hasJobOn(run, box)) return;
  mkdirSync(join(run, 'jobs'), { recursive: true });
  writeFileAtomic(fileOf(run), `${JSON.stringify([...sent(run), box])}\n`);
}
