import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { foldLabels, type Labels } from '../../core/annotate/labels.ts';
import { AnnotatorFile } from './annotatorFile.ts';

/** Labels of runs' trajectories: one file an annotator, beside the runs. */
export function annotationsFolder(workspace: string): string {
  return join(workspace, '.autoact', 'annotations');
}

/** What each annotator said of the trajectories of this workspace's runs. */
export function readAnnotations(workspace: string): Map<string, Labels> {
  const folder = annotationsFolder(workspace);
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  } catch {
    return new Map();
  }
  return new Map(
    names.sort().map((name) => {
      const rater = name.slice(0, -'.jsonl'.length);
      return [rater, foldLabels(new AnnotatorFile(join(folder, name), rater).records(), undefined)];
    }),
  );
}
