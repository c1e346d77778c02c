import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { targetOf, type PipelineContext } from '../core/pipeline/context.ts';
import { Settings } from '../core/pipeline/settings.ts';
import { RunError } from '../core/run/runError.ts';
import type { RunRecord } from '../core/run/runRecord.ts';
import type { TaskCard } from '../core/task/taskCard.ts';
import type { ToolLibrary } from '../core/tools/provider.ts';
import type { TaskData } from '../node/store/taskFile.ts';
import { packageVersion } from '../node/packageRoot.ts';

/** What `run.json` records of a new run, and what an old one's says of how it goes on. */

export const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

export interface RunParts {
  readonly root: string;
  readonly task: TaskCard;
  readonly taskFile: string;
  readonly settings: Settings;
  readonly data: TaskData;
  readonly prompts: PipelineContext['prompts'];
  readonly library: ToolLibrary;
}

/** GGUF file that the embedded engine serves. */
export function modelPath(root: string, taskFile: string, settings: Settings): string {
  return settings.embedded.model === undefined
    ? join(root, 'starter', 'weights', 'starter.gguf')
    : resolve(dirname(taskFile), settings.embedded.model);
}

export function newRecord(id: string, parent: string | undefined, parts: RunParts): RunRecord {
  const { root, task, settings, data, prompts, library } = parts;
  const roles = ['meta', 'plan', 'tool', 'reflect'] as const;
  const usesEmbedded = roles.some((role) => targetOf(settings, role).server === 'embedded');
  const weights = usesEmbedded ? fileHash(modelPath(root, parts.taskFile, settings)) : undefined;
  return {
    version: 1,
    id,
    createdAt: new Date().toISOString(),
    ...(parent === undefined ? {} : { parent }),
    taskFile: parts.taskFile,
    task,
    settings,
    prompts: Object.fromEntries(
      [...prompts].map(([name, p]) => [
        name,
        { version: p.version, sha256: sha256(p.text), text: p.text, inputs: [...p.inputs] },
      ]),
    ),
    toolLibrarySha256: sha256(JSON.stringify(library.available.map((tool) => tool.description))),
    tools: library.available.map(({ description, provider }) => ({ name: description.name, provider })),
    documents: { count: data.documents.count, sha256: data.documents.sha256 },
    questions: {
      count: data.questions.length,
      sha256: sha256(JSON.stringify(data.questions.map((q) => [q.id, q.question]))),
    },
    versions: { autoact: packageVersion(root), node: process.version },
    models: Object.fromEntries(
      roles.map((role) => {
        const target = targetOf(settings, role);
        return [
          role,
          { ...target, ...(target.server === 'embedded' && weights !== undefined ? { sha256: weights } : {}) },
        ];
      }),
    ),
  };
}

/** A run that goes on must find the tools that it began with; what its log does not hold is asked of them. */
export function refuseOtherTools(old: RunRecord, library: ToolLibrary): void {
  for (const { description, provider } of library.available) {
    const recorded = old.tools?.find((tool) => tool.name === description.name);
    if (recorded !== undefined && recorded.provider !== provider)
      throw new RunError(
        'log-mismatch',
        `The tool ${description.name} of run "${old.id}" was provided by ${recorded.provider}, and is now by ${provider}.`,
        'Restore what has changed, or start a new run.',
      );
  }
}

export function recordedSettings(record: RunRecord, box: string | undefined): Settings {
  const settings = Settings.parse(record.settings);
  return box === undefined ? settings : { ...settings, training: { ...settings.training, box } };
}

export function recordedPrompts(record: RunRecord): PipelineContext['prompts'] {
  return new Map(
    Object.entries(record.prompts).map(([name, p]) => [
      name,
      { name, version: p.version, inputs: p.inputs, text: p.text },
    ]),
  );
}

function fileHash(path: string): string | undefined {
  try {
    return sha256(readFileSync(path));
  } catch {
    return undefined; // A missing model is reported when it is needed, with the remedy.
  }
}
