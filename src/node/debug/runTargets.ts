import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { DebugError } from '../../core/debug/debugError.ts';
import { fitsLog, itemMethod, parseEvaluationKey, type ItemMethod } from '../../core/debug/itemMethod.ts';
import { recordedMethod } from '../../core/debug/recordedMethod.ts';
import type { DebugTarget, ForkStore } from '../../core/debug/target.ts';
import { Judge } from '../../core/evaluate/judge.ts';
import { judgeOptions } from '../../core/pipeline/context.ts';
import { modes } from '../../core/pipeline/mode.ts';
import { Settings } from '../../core/pipeline/settings.ts';
import type { LogEntry } from '../../core/run/log.ts';
import type { RunRecord } from '../../core/run/runRecord.ts';
import type { GoldQuestion } from '../../core/task/question.ts';
import { toPublic } from '../../core/task/question.ts';
import { TaskCard } from '../../core/task/taskCard.ts';
import type { ToolDescription } from '../../core/tools/library.ts';
import { LogFile } from '../store/logFile.ts';
import type { RunFolder } from '../store/runFolder.ts';
import { loadTaskQuestions } from '../store/taskFile.ts';

export const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

const Selected = z.object({ selected: z.array(z.string()) });
const Adapters = z.array(z.object({ name: z.string(), model: z.string().regex(/^[\w.-]+$/), sha256: z.string() }));
export type StoredAdapter = z.infer<typeof Adapters>[number];
const Row = z.looseObject({
  id: z.string(),
  question: z.string().optional(),
  answer: z.string().optional(),
  choices: z.array(z.string()).optional(),
  reward: z.number().optional(),
});
const Score = z.looseObject({ questionId: z.string(), sample: z.number(), score: z.number() });

/** Names the tools that a run has; undefined when one of them is described where this process does not look. */
export type DescribeTools = (names: readonly string[]) => readonly ToolDescription[] | undefined;

/** A run whose items are debugged. Its folder is read and never written, but for the forks in it. */
export class RunTargets {
  readonly folder: RunFolder;
  readonly record: RunRecord;
  readonly settings: Settings;
  readonly task: TaskCard;
  readonly #describe: DescribeTools;
  #questions: { readonly value?: readonly GoldQuestion[]; readonly problem?: string } | undefined;
  #judge: Judge | undefined;

  /** @throws RunError when there is no such run */
  constructor(folder: RunFolder, describe: DescribeTools) {
    this.folder = folder;
    this.record = folder.record();
    this.settings = Settings.parse(this.record.settings);
    this.task = TaskCard.parse(this.record.task);
    this.#describe = describe;
  }

  /** Questions of the run; what is wrong when they cannot be read any more. */
  get questions(): { readonly value?: readonly GoldQuestion[]; readonly problem?: string } {
    if (this.#questions !== undefined) return this.#questions;
    try {
      this.#questions = { value: loadTaskQuestions(this.task, this.record.taskFile) };
    } catch (error) {
      this.#questions = { problem: error instanceof Error ? error.message : String(error) };
    }
    return this.#questions;
  }

  get adapters(): readonly StoredAdapter[] {
    const parsed = Adapters.safeParse(this.#json('adapters.json'));
    return parsed.success ? parsed.data : [];
  }

  /** @throws DebugError `launch` when nothing is known of the item */
  target(key: string, forks: ForkStore, own?: readonly LogEntry[]): { target: DebugTarget; method?: ItemMethod } {
    const recorded = own ?? this.#entries(key);
    const method = this.#method(key);
    if (recorded.length === 0 && typeof method === 'string')
      throw new DebugError('launch', `Run "${this.folder.id}" has no trajectory "${key}": ${method}`);
    const entries = afterFailures(recorded);
    const why =
      typeof method === 'string'
        ? method
        : own === undefined && !fitsLog(() => method.start(), entries, sha256)
          ? 'prompts, tools or settings are not those that it was made with.'
          : undefined;
    const reward = this.#reward(key);
    const asked = typeof method === 'string' ? {} : { question: method.question };
    const common = {
      key,
      header: { run: this.folder.id, item: key, task: this.task.name, ...asked },
      entries,
      forks,
      ...(reward === undefined || own !== undefined ? {} : { reward }),
      score: (result: unknown) => this.#score(key, result),
    };
    if (why !== undefined || typeof method === 'string')
      return { target: { ...common, start: () => recordedMethod(entries), recordingOnly: why ?? '' } };
    return { target: { ...common, start: () => method.start() }, method };
  }

  /** The item's method, or in words why it cannot be started. */
  #method(key: string): ItemMethod | string {
    const { value, problem } = this.questions;
    if (value === undefined) return problem ?? 'the questions of its task cannot be read.';
    const template = this.record.prompts['agent'];
    const selected = Selected.safeParse(this.#json('tools.json'));
    if (template === undefined || !selected.success) return 'the run has not come as far as choosing its tools.';
    const tools = this.#describe(selected.data.selected);
    if (tools === undefined) return 'one of its tools is described outside of the task card; debug it live.';
    const byId = new Map(value.map((question) => [question.id, question]));
    const method = itemMethod(key, {
      settings: this.settings,
      mode: modes[this.settings.mode],
      agent: { template: { name: 'agent', ...template }, description: this.task.description, tools },
      question: (id) => {
        const question = byId.get(id);
        return question === undefined ? undefined : toPublic(question);
      },
      instance: (id) => {
        const row = this.#instance(id);
        return row?.question === undefined
          ? undefined
          : { question: row.question, ...(row.choices === undefined ? {} : { choices: row.choices }) };
      },
      adapter: (name) => this.adapters.find((one) => one.name === name)?.model,
    });
    return method ?? 'only plans (synthesis and evaluation) can be started again; other stages are replayed.';
  }

  #instance(id: string): z.infer<typeof Row> | undefined {
    return this.#rows('database.jsonl', Row).find((row) => row.id === id);
  }

  #entries(key: string): readonly LogEntry[] {
    try {
      return LogFile.read(this.folder.logPath, key);
    } catch {
      return [];
    }
  }

  #reward(key: string): number | undefined {
    const evaluated = parseEvaluationKey(key);
    if (evaluated === undefined) return this.#rows('trajectories.jsonl', Row).find(({ id }) => id === key)?.reward;
    return this.#rows(`evaluation/${evaluated.system.id}.scores.jsonl`, Score).find(
      ({ questionId, sample }) => questionId === evaluated.question && sample === evaluated.sample,
    )?.score;
  }

  /** The judge holds gold; what leaves this is a number. */
  #score(key: string, result: unknown): number | undefined {
    const answer = (result as { answer?: unknown } | null | undefined)?.answer;
    const evaluated = parseEvaluationKey(key);
    if (evaluated !== undefined) {
      this.#judge ??= new Judge(
        this.task.metric,
        this.questions.value ?? [],
        judgeOptions({ mode: modes[this.settings.mode], settings: this.settings }),
      );
      if (!this.#judge.has(evaluated.question)) return undefined;
      return this.#judge.score(evaluated.question, typeof answer === 'string' ? answer : '').score;
    }
    const [, id] = /^synthesis\/([^/]+)\/\d+$/.exec(key) ?? [];
    const row = id === undefined ? undefined : this.#instance(id);
    if (row?.question === undefined || row.answer === undefined) return undefined;
    const gold: GoldQuestion = {
      id: row.id,
      question: row.question,
      answer: row.answer,
      level: 'all',
      ...(row.choices === undefined ? {} : { choices: row.choices }),
    };
    const judge = new Judge(
      this.task.metric,
      [gold],
      judgeOptions({ mode: modes[this.settings.mode], settings: this.settings }),
    );
    return judge.score(row.id, typeof answer === 'string' ? answer : '').f1;
  }

  #rows<T>(name: string, of: z.ZodType<T>): T[] {
    return (this.folder.readRows(name) ?? []).flatMap((row) => {
      const parsed = of.safeParse(row);
      return parsed.success ? [parsed.data] : [];
    });
  }

  #json(name: string): unknown {
    try {
      return JSON.parse(readFileSync(join(this.folder.path, name), 'utf8')) as unknown;
    } catch {
      return undefined;
    }
  }
}

/** Answers stay when an item fails and is taken up again; the failures themselves are no part of the path. */
function afterFailures(entries: readonly LogEntry[]): readonly LogEntry[] {
  return entries.filter((entry) => !('failed' in entry));
}
