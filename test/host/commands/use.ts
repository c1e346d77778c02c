import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { CommandId } from '../../../src/contrib/commands.ts';
import { until } from '../fixture.ts';
import { Recorder, type Answers } from './recorder.ts';

/** How a command is used in a workspace that has what it works on, and what is then seen. */
export interface Use {
  /** What is seen, in words. */
  readonly effect: string;
  readonly before?: () => unknown;
  /** What the command's place in the window passes; nothing from the palette. */
  readonly args?: () => readonly unknown[] | Promise<readonly unknown[]>;
  readonly answers?: Answers | (() => Answers);
  /** A problem that is the right answer here; without it, none may be told. */
  readonly problem?: RegExp;
  /** Looked at until it holds. */
  readonly seen: (shown: Recorder) => boolean | Promise<boolean>;
  readonly after?: () => unknown;
}
export type Uses = Readonly<Partial<Record<CommandId, Use>>>;

export async function useCommand(id: CommandId, use: Use): Promise<void> {
  await use.before?.();
  const recorder = new Recorder(typeof use.answers === 'function' ? use.answers() : use.answers);
  try {
    await vscode.commands.executeCommand(id, ...((await use.args?.()) ?? []));
    await until(`${use.effect}; ${recorder.told}`, async () => (await use.seen(recorder)) || undefined).catch(
      (error: unknown) => assert.fail(`${String(error)}\n${recorder.told}`),
    );
    const problems = recorder.of('error');
    if (use.problem === undefined) assert.deepEqual(problems, []);
    else for (const problem of problems) assert.match(problem, use.problem);
  } finally {
    await recorder.end();
    await use.after?.();
  }
}

export const activeUri = (): vscode.Uri | undefined => vscode.window.activeTextEditor?.document.uri;
export const activeText = (): string => vscode.window.activeTextEditor?.document.getText() ?? '';

const tabs = (): readonly vscode.Tab[] => vscode.window.tabGroups.all.flatMap((group) => group.tabs);

/** A panel of this kind is open whose title holds the text. */
export const hasPanel = (viewType: string, title: RegExp): boolean =>
  tabs().some(
    ({ input, label }) =>
      input instanceof vscode.TabInputWebview && input.viewType.endsWith(viewType) && title.test(label),
  );
export const hasTab = (title: RegExp): boolean => tabs().some(({ label }) => title.test(label));
export const hasDiff = (): boolean => tabs().some(({ input }) => input instanceof vscode.TabInputTextDiff);
export const closeTabs = (): Promise<unknown> =>
  Promise.resolve(vscode.commands.executeCommand('workbench.action.closeAllEditors'));
/** An output channel is in sight that holds the text. */
export const showsOutput = (text: RegExp): boolean =>
  vscode.workspace.textDocuments.some((document) => document.uri.scheme === 'output' && text.test(document.getText()));

export async function stopDebugging(): Promise<void> {
  await vscode.debug.stopDebugging();
  await until('no session is left', () => vscode.debug.activeDebugSession === undefined || undefined);
}
