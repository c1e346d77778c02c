import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { foldLabels, type Labels } from '../../core/annotate/labels.ts';
import { StudyItem, StudyKey, StudyPlan, type PreparedStudy } from '../../core/annotate/prepare.ts';
import { parseStudy, Study, StudyError } from '../../core/annotate/study.ts';
import { annotatorRule, isAnnotatorName } from '../../core/annotate/studyNames.ts';
import { jsonLines, writeFileAtomic } from '../store/atomicFile.ts';
import { AnnotatorFile } from './annotatorFile.ts';

/**
 * The folder beside `NAME.study.json`, `NAME.study/`: `items.jsonl`, `plan.json`, `commitment.json`, `labels/`, and
 * once it is revealed `key.json`; `report.md` and its figure. Until then the key is in `.autoact/studies` beside the
 * study, which git is told to ignore.
 */
export const studySuffix = '.study.json';

const Commitment = z.object({
  version: z.literal(1),
  name: z.string(),
  /** SHA-256 of the bytes of key.json, in which items, order and seed are sealed. */
  commitment: z.string(),
  itemsSha256: z.string(),
  planSha256: z.string(),
  createdAt: z.string(),
});
export type Commitment = z.infer<typeof Commitment>;

export const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

export class StudyFolder {
  readonly file: string;
  readonly name: string;
  readonly path: string;

  /** @param file `NAME.study.json` */
  constructor(file: string) {
    if (!file.endsWith(studySuffix))
      throw new StudyError('study', `${file} is no study.`, `A study's name ends in ${studySuffix}.`);
    this.file = file;
    this.name = basename(file, studySuffix);
    this.path = join(dirname(file), `${this.name}.study`);
  }

  get prepared(): boolean {
    return existsSync(join(this.path, 'commitment.json'));
  }

  get revealed(): boolean {
    return existsSync(join(this.path, 'key.json'));
  }

  /** Where the key is until it is revealed. */
  get sealedKey(): string {
    return join(dirname(this.file), '.autoact', 'studies', `${this.name}.key.json`);
  }

  /** @throws StudyError `study` */
  study(): Study {
    let value: unknown;
    try {
      value = JSON.parse(readFileSync(this.file, 'utf8'));
    } catch (error) {
      throw new StudyError(
        'study',
        `The study ${this.file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
        'Check its path; open it in the editor, where faults are underlined.',
      );
    }
    return parseStudy(value, this.file);
  }

  /** Writes what was prepared, the commitment last. @throws StudyError `prepared` when there are labels already */
  write(prepared: PreparedStudy, now: Date): Commitment {
    if (this.raters().length > 0)
      throw new StudyError(
        'prepared',
        `The study ${this.name} has labels already; preparing it again would make them worthless.`,
        `Copy the study under another name, or move ${join(this.path, 'labels')} away.`,
      );
    const items = jsonLines(prepared.items);
    const plan = `${JSON.stringify(prepared.plan, null, 1)}\n`;
    const key = `${JSON.stringify({ ...prepared.key, itemsSha256: sha256(items), planSha256: sha256(plan) }, null, 1)}\n`;
    mkdirSync(this.path, { recursive: true });
    writeFileAtomic(join(this.path, 'items.jsonl'), items);
    writeFileAtomic(join(this.path, 'plan.json'), plan);
    // Lines of two clones of one annotator's file are kept side by side; reading puts them in order.
    writeFileAtomic(join(this.path, '.gitattributes'), 'labels/*.jsonl merge=union text eol=lf\n');
    writeFileAtomic(join(dirname(this.sealedKey), '.gitignore'), '*\n');
    writeFileAtomic(this.sealedKey, key);
    const commitment: Commitment = {
      version: 1,
      name: this.name,
      commitment: sha256(key),
      itemsSha256: sha256(items),
      planSha256: sha256(plan),
      createdAt: now.toISOString(),
    };
    writeFileAtomic(join(this.path, 'commitment.json'), `${JSON.stringify(commitment, null, 1)}\n`);
    return commitment;
  }

  commitment(): Commitment {
    return this.#parse('commitment.json', Commitment);
  }

  /** @throws StudyError `not-prepared`, `tampered` */
  plan(): StudyPlan {
    return this.#parse('plan.json', StudyPlan);
  }

  items(): StudyItem[] {
    const schema = StudyItem;
    return this.#text('items.jsonl')
      .split('\n')
      .filter((line) => line !== '')
      .map((line, i) => {
        const parsed = schema.safeParse(safeJson(line));
        if (!parsed.success) throw this.#damaged(`line ${i + 1} of items.jsonl`);
        return parsed.data;
      });
  }

  /** The key, revealed or not, where this machine has it. */
  key(): StudyKey | undefined {
    const path = [join(this.path, 'key.json'), this.sealedKey].find((p) => existsSync(p));
    if (path === undefined) return undefined;
    const parsed = StudyKey.safeParse(safeJson(readFileSync(path, 'utf8')));
    if (!parsed.success) throw this.#damaged(path);
    return parsed.data;
  }

  /** Fields of the study's file that say something else than when it was sealed. @throws StudyError */
  changedFields(): string[] {
    const sealed = Study.safeParse(this.key()?.study);
    if (!sealed.success) return []; // sealed by a version that kept no copy, or the key is elsewhere
    const { $schema: _here, ...now } = this.study();
    const { $schema: _then, ...then } = sealed.data;
    const fields = [...new Set([...Object.keys(now), ...Object.keys(then)])] as (keyof typeof now)[];
    return fields.filter((field) => !isDeepStrictEqual(now[field], then[field]));
  }

  /** Puts the key beside the labels, for everyone to see. @throws StudyError when it is not the one that was sealed */
  reveal(): void {
    if (this.revealed) return;
    if (!existsSync(this.sealedKey))
      throw new StudyError(
        'not-prepared',
        `The key of study ${this.name} is not on this machine.`,
        `Whoever prepared the study has it: ${this.sealedKey}.`,
      );
    const key = readFileSync(this.sealedKey, 'utf8');
    if (sha256(key) !== this.commitment().commitment)
      throw new StudyError('tampered', `The key of study ${this.name} is not the one that was sealed.`);
    writeFileAtomic(join(this.path, 'key.json'), key);
  }

  /** Names of those who have a file of labels. */
  raters(): string[] {
    try {
      return readdirSync(join(this.path, 'labels'))
        .filter((name) => name.endsWith('.jsonl'))
        .map((name) => name.slice(0, -'.jsonl'.length))
        .sort();
    } catch {
      return [];
    }
  }

  annotator(rater: string, now?: () => number): AnnotatorFile {
    if (!isAnnotatorName(rater))
      throw new StudyError('study', `"${rater}" is no name for a file of labels.`, annotatorRule);
    return new AnnotatorFile(join(this.path, 'labels', `${rater}.jsonl`), rater, now);
  }

  labels(): Map<string, Labels> {
    const { name } = this.plan();
    return new Map(this.raters().map((rater) => [rater, foldLabels(this.annotator(rater).records(), name)]));
  }

  /** Whether what was sealed is what is there, in sentences; the first is wrong when `holds` is false. */
  verify(labels: ReadonlyMap<string, Labels>): { readonly holds: boolean; readonly facts: readonly string[] } {
    const sealed = this.commitment();
    const facts: string[] = [];
    const faults: string[] = [];
    for (const [what, file, hash] of [
      ['Items', 'items.jsonl', sealed.itemsSha256],
      ['Order', 'plan.json', sealed.planSha256],
    ] as const)
      if (sha256(this.#text(file)) === hash) facts.push(`${what}: ${file} is as it was sealed.`);
      else faults.push(`**${file} was changed after it was sealed.**`);
    const keyPath = [join(this.path, 'key.json'), this.sealedKey].find((p) => existsSync(p));
    if (keyPath === undefined) facts.push('The key is not revealed yet.');
    else if (sha256(readFileSync(keyPath)) !== sealed.commitment)
      faults.push('**The key is not the one that was sealed.**');
    else {
      const key = this.key();
      if (key?.itemsSha256 === sealed.itemsSha256 && key.planSha256 === sealed.planSha256)
        facts.push(`Key: its SHA-256 is the commitment ${sealed.commitment.slice(0, 16)}… of ${sealed.createdAt}.`);
      else faults.push('**The key belongs to other items or another order.**');
    }
    for (const [rater, { opened }] of labels)
      if (opened === sealed.commitment) facts.push(`${rater} began under this commitment.`);
      else faults.push(`**${rater} began under ${opened === undefined ? 'no commitment' : 'another commitment'}.**`);
    return { holds: faults.length === 0, facts: [...faults, ...facts] };
  }

  #parse<T>(name: string, schema: z.ZodType<T>): T {
    const parsed = schema.safeParse(safeJson(this.#text(name)));
    if (!parsed.success) throw this.#damaged(name);
    return parsed.data;
  }

  #text(name: string): string {
    try {
      return readFileSync(join(this.path, name), 'utf8');
    } catch {
      throw new StudyError(
        'not-prepared',
        `The study ${this.name} is not prepared: ${join(this.path, name)} is not there.`,
        `Prepare it with: autoact study prepare ${this.file}`,
      );
    }
  }

  #damaged(what: string): StudyError {
    return new StudyError(
      'tampered',
      `${what} of study ${this.name} is damaged.`,
      'Restore it from a copy or from git.',
    );
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
