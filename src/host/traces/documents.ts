import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { documentScheme } from '../../contrib/ids.ts';
import { restorePrompts } from '../../core/run/log.ts';
import { StageId, stageTitles } from '../../core/run/status.ts';
import { visible, visibleLine } from '../../core/trajectory/visible.ts';
import { provenanceDocument } from '../provenance/document.ts';
import type { RunIndex } from '../runs/runIndex.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { droppedThings } from '../runs/trajectories.ts';
import { ReadOnlyFiles } from './readOnlyFiles.ts';
import { documentUri, parseDocumentUri } from './traceUri.ts';
import type { DocumentAddress } from './traceUri.ts';

/** `autoact-document:` documents: what stands behind a run, made readable. */
export class Documents extends ReadOnlyFiles {
  private readonly runs: RunIndex;
  private readonly promptFolder: vscode.Uri;
  private doctor: string | undefined;

  constructor(runs: RunIndex, promptFolder: vscode.Uri) {
    super();
    this.runs = runs;
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
        '# AutoAct: Doctor\n\nRun the command "AutoAct: Doctor" again: its report is not kept over a reload.\n'
      );
    if (address.kind === 'prompt') return readFile(join(this.promptFolder.fsPath, `${address.name}.md`), 'utf8');
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
        const none =
          'The log has no entry for this reason yet. Counts are shown as soon as they are known; the entries follow when they are written.';
        return `# Dropped in ${stageTitles[stage]}: ${visibleLine(address.reason, 200)}\n\nRun ${run.id}, ${things.length} found in its log.\n\n${lines.length === 0 ? none : lines.join('\n')}\n`;
      }
    }
  }

  protected follow(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
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
    if (parts.length === 3) parts.push('No request of this item has been answered yet.');
    return parts.join('\n');
  }
}
