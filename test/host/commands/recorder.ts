import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';

/** Something that the extension showed or asked while a command ran. */
export interface Shown {
  readonly kind: 'error' | 'warning' | 'information' | 'pick' | 'input' | 'files' | 'status' | 'command';
  /** Message, title, prompt, or the id of a command that was asked of the editor. */
  readonly text: string;
  /** Buttons of a message, rows of a list. */
  readonly rows: readonly string[];
  readonly modal: boolean;
}

/** What the person answers, each kind in the order in which it is asked; what is not answered is dismissed. */
export interface Answers {
  /** The label of a row, or of several where several may be taken. */
  readonly pick?: readonly (string | RegExp | readonly (string | RegExp)[])[];
  readonly input?: readonly string[];
  readonly files?: readonly string[];
  /** Buttons of messages, pressed where they are offered. */
  readonly press?: readonly string[];
}

type Anything = (...args: unknown[]) => unknown;
interface QuickPickLike {
  title: string | undefined;
  items: readonly vscode.QuickPickItem[];
  show(): void;
  hide(): void;
}

/**
 * Stands between the extension and `vscode.window`: what it shows is shown for real, noted, and answered. Modal
 * dialogs and the dialog of files, which nobody but a person can close, are answered without being shown (they are
 * pressed in the end-to-end tests).
 */
export class Recorder {
  readonly shown: Shown[] = [];
  private readonly undo: (() => void)[] = [];
  private readonly picks: QuickPickLike[] = [];
  private readonly answers: { pick: (string | RegExp | readonly (string | RegExp)[])[]; input: string[] };
  private readonly files: readonly string[];
  private readonly press: readonly string[];

  constructor({ pick = [], input = [], files = [], press = [] }: Answers = {}) {
    this.answers = { pick: [...pick], input: [...input] };
    this.files = files;
    this.press = press;
    const { window } = vscode;
    for (const [name, kind] of [
      ['showErrorMessage', 'error'],
      ['showWarningMessage', 'warning'],
      ['showInformationMessage', 'information'],
    ] as const)
      this.replace(window, name, (original) => (message: string, ...rest: unknown[]) => {
        const [first] = rest;
        const options = typeof first === 'object' && first !== null ? (first as vscode.MessageOptions) : undefined;
        const rows = rest.filter((each) => typeof each === 'string');
        this.note(kind, message, rows, options?.modal === true);
        if (options?.modal !== true) void original.call(window, message, ...rest);
        return Promise.resolve(rows.find((row) => this.press.includes(row)));
      });
    this.replace(window, 'showQuickPick', (original) => async (given: unknown, options?: vscode.QuickPickOptions) => {
      const items = (await given) as readonly (string | vscode.QuickPickItem)[];
      const labels = items.map((item) => (typeof item === 'string' ? item : item.label));
      this.note('pick', options?.title ?? options?.placeHolder ?? '', labels);
      await this.close(original.call(window, items, options) as Thenable<unknown>);
      const wanted = this.answers.pick.shift();
      if (wanted === undefined) return undefined;
      const find = (one: string | RegExp): string | vscode.QuickPickItem => {
        const at = labels.findIndex((label) => (typeof one === 'string' ? label === one : one.test(label)));
        const found = items[at];
        assert.ok(found !== undefined, `no row ${String(one)} in ${labels.join(', ')}`);
        return found;
      };
      return Array.isArray(wanted) ? wanted.map(find) : find(wanted as string | RegExp);
    });
    this.replace(window, 'showInputBox', (original) => async (options: vscode.InputBoxOptions = {}) => {
      this.note('input', options.title ?? options.prompt ?? '');
      await this.close(original.call(window, options) as Thenable<unknown>);
      const text = this.answers.input.shift();
      if (text !== undefined) assert.equal(await options.validateInput?.(text), undefined, `"${text}" is refused`);
      return text;
    });
    this.replace(window, 'createQuickPick', (original) => () => {
      const made = original.call(window) as QuickPickLike;
      const show = made.show.bind(made);
      made.show = () => {
        this.picks.push(made);
        this.note('pick', made.title ?? '');
        show();
      };
      return made;
    });
    this.replace(window, 'showOpenDialog', () => (options?: vscode.OpenDialogOptions) => {
      this.note('files', options?.title ?? '');
      return Promise.resolve(this.files.length === 0 ? undefined : this.files.map((file) => vscode.Uri.file(file)));
    });
    this.replace(window, 'setStatusBarMessage', (original) => (text: string, ...rest: unknown[]) => {
      this.note('status', text);
      return original.call(window, text, ...rest);
    });
    this.replace(vscode.commands, 'executeCommand', (original) => (id: string, ...rest: unknown[]) => {
      this.note('command', id);
      return original.call(vscode.commands, id, ...rest);
    });
  }

  of(...kinds: readonly Shown['kind'][]): string[] {
    return this.shown.filter(({ kind }) => kinds.includes(kind)).map(({ text }) => text);
  }

  /** Rows of the list that is open and answers as one types. */
  get openRows(): string[] {
    return this.picks.flatMap(({ items }) => items.map(({ label }) => label));
  }

  /** Everything that was shown, for the message of a test that fails. */
  get told(): string {
    return this.shown.map(({ kind, text }) => `${kind}: ${text}`).join('\n') || 'nothing was shown';
  }

  async end(): Promise<void> {
    for (const pick of this.picks) pick.hide();
    for (const undo of this.undo) undo();
    await vscode.commands.executeCommand('notifications.clearAll');
  }

  private note(kind: Shown['kind'], text: string, rows: readonly string[] = [], modal = false): void {
    if (text === 'setContext') return; // it only says where commands are offered
    this.shown.push({ kind, text, rows, modal });
  }

  private async close(showing: Thenable<unknown>): Promise<void> {
    let open = true;
    const closed = (): void => {
      open = false;
    };
    void showing.then(closed, closed);
    for (let look = 0; open; look++) {
      assert.ok(look < 200, 'a list or question cannot be closed');
      await delay(25);
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    }
  }

  private replace(owner: object, name: string, make: (original: Anything) => unknown): void {
    const original = Reflect.get(owner, name) as Anything;
    assert.ok(Reflect.set(owner, name, make(original)), `${name} cannot be watched`);
    this.undo.push(() => {
      Reflect.set(owner, name, original);
    });
  }
}
