import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { documentScheme } from '../../contrib/ids.ts';
import { restorePrompts } from '../../core/run/log.ts';
import { StageId } from '../../core/run/status.ts';
import { compareTraces } from '../../core/trajectory/compareTraces.ts';
import { visible, visibleLine } from '../../core/trajectory/visible.ts';
import { parseForkUri } from '../debug/debugUri.ts';
import { followFork } from '../debug/forkTrace.ts';
import { provenanceDocument } from '../provenance/document.ts';
import type { RunIndex } from '../runs/runIndex.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { droppedThings } from '../runs/trajectories.ts';
import { ReadOnlyFiles } from './readOnlyFiles.ts';
import type { TraceLoader } from './traceLoader.ts';
import { documentUri, parseDocumentUri } from './traceUri.ts';
import type { DocumentAddress } from './traceUri.ts';
import { stageName } from '../../protocol/words.ts';

/** `autoact-document:` documents: what stands behind a run, made readable. */
export class Documents extends ReadOnlyFiles {
  private readonly runs: RunIndex;
  private readonly loader: TraceLoader;
  private readonly promptFolder: vscode.Uri;
  private doctor: string | undefined;

  constructor(runs: RunIndex, loader: TraceLoader, promptFolder: vscode.Uri) {
    super();
    this.runs = runs;
    this.loader = loader;
    this.promptFolder = promptFolder;
  }

  static readonly scheme = documentScheme;

  async open(address: DocumentAddress, column?: vscode.ViewColumn): Promise<void> {
    const document = await vscode.workspace.openTextDocument(documentUri(address));
    await vscode.window.showTextDocument(document, {
      preview: true,
      ...(column === undefined ? {} : { viewColumn: column }),
    });
  }

  async openDoctor(report: string): Promise<void> {
    this.doctor = report;
    this.touch(documentUri({ kind: 'doctor' }));
    await this.open({ kind: 'doctor' });
  }

  protected async generate(uri: vscode.Uri): Promise<string> {
    const address = parseDocumentUri(uri);
    if (address === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    if (address.kind === 'doctor')
      return (
        this.doctor ??
        `# AutoAct: ${vscode.l10n.t('Doctor')}\n\n${vscode.l10n.t('Run the command "AutoAct: Doctor" again: its report is not kept over a reload.')}\n`
      );
    if (address.kind === 'prompt') return readFile(join(this.promptFolder.fsPath, `${address.name}.md`), 'utf8');
    if (address.kind === 'compare') {
      const [left, right] = await Promise.all(
        [address.left, address.right].map((each) => this.loader.load(vscode.Uri.parse(each, true))),
      );
      if (left === undefined || right === undefined) throw vscode.FileSystemError.FileNotFound(uri);
      return compareTraces(left, right)[address.side];
    }
    await this.runs.ready();
    const run = this.runs.find(address.run);
    if (run === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    const log = this.runs.logOf(run);
    await log.refresh();
    switch (address.kind) {
      case 'requests':
        return this.requests(run, address.item);
      case 'provenance':
        return provenanceDocument(run, log, address.item);
      case 'dropped': {
        const stage = StageId.parse(address.stage);
        const things = await droppedThings(run, log, stage, address.reason);
        const lines = things.map(
          (thing) =>
            `- ${visibleLine(thing.text, 2000)}\n  - ${visibleLine(thing.reason, 400)} (\`${visibleLine(thing.item, 200)}\`)`,
        );
        const none = vscode.l10n.t(
          'The log has no entry for this reason yet. Counts are shown as soon as they are known; the entries follow when they are written.',
        );
        const title = vscode.l10n.t('Dropped in {0}: {1}', stageName(stage), visibleLine(address.reason, 200));
        const found = vscode.l10n.t('Run {0}, {1} found in its log.', run.id, things.length);
        return `# ${title}\n\n${found}\n\n${lines.length === 0 ? none : lines.join('\n')}\n`;
      }
    }
  }

  /** A comparison with a fork follows it: it grows while it is debugged. */
  protected follow(uri: vscode.Uri): vscode.Disposable {
    const address = parseDocumentUri(uri);
    const sides = address?.kind === 'compare' ? [address.left, address.right] : [];
    const forks = sides.flatMap((side) => parseForkUri(vscode.Uri.parse(side)) ?? []);
    const followed = forks.map((file) =>
      followFork(file, () => {
        this.touch(uri);
      }),
    );
    return vscode.Disposable.from(...followed);
  }

  /** Each prompt as it was sent and each completion as it came back, with what they took. */
  private async requests(run: RunRecord, item: string): Promise<string> {
    const entries = await this.runs.logOf(run).entries(item);
    const prompts = restorePrompts(entries);
    const parts = [`Requests of ${visibleLine(item, 400)}`, `Run: ${run.id}`, ''];
    for (const entry of entries) {
      if (!('answer' in entry)) continue;
      const { asked, answer } = entry;
      if ('tool' in asked) {
        parts.push(
          `=== Request ${entry.i}: tool ${visibleLine(asked.tool, 80)} (${Math.round(entry.ms)} ms)`,
          `--- argument`,
          visible(asked.argument),
        );
        parts.push(`--- observation (${'outcome' in answer ? answer.outcome : 'unknown'})`, visible(answer.text), '');
      } else {
        const usage =
          'usage' in answer
            ? `${answer.usage.promptTokens} + ${answer.usage.completionTokens} tokens, ended by ${answer.finish}`
            : '';
        const model = asked.model === undefined ? '' : `, model ${visibleLine(asked.model, 120)}`;
        parts.push(
          `=== Request ${entry.i}: ${entry.label}, asked of ${asked.role}${model}`,
          `temperature ${asked.temperature}, seed ${asked.seed}, ${Math.round(entry.ms)} ms, ${usage}`,
        );
        parts.push('--- prompt', visible(prompts.get(entry.i) ?? ''), '--- completion', visible(answer.text), '');
      }
    }
    if (parts.length === 3) parts.push(vscode.l10n.t('No request of this item has been answered yet.'));
    return parts.join('\n');
  }
}
