/** Drives the window of `startEditor` as somebody does who has no mouse: every method is key presses and looking. */
import type { Frame, Locator } from 'playwright-core';
import type { Editor } from './codeServer.ts';
import { notified } from './notified.ts';

export class Keyboard {
  private readonly editor: Editor;
  private readonly limitMs: number;
  private pointers = 0;

  /** @param limitMs how long a question or a row may take to appear */
  constructor(editor: Editor, limitMs = 60_000) {
    this.editor = editor;
    this.limitMs = limitMs;
  }

  /** From here on `pointerPresses` counts, also in webviews and after a reload. */
  async watchPointer(): Promise<void> {
    const { page } = this.editor;
    await page.exposeFunction('pointerPressed', () => {
      this.pointers++;
    });
    const listen = `addEventListener('pointerdown', () => void window.pointerPressed(), true)`;
    await page.addInitScript(listen);
    await page.evaluate(listen);
  }

  get pointerPresses(): number {
    return this.pointers;
  }

  /** Presses a key that must reach this frame. @throws when something else has the keyboard and keeps it */
  async pressIn(frame: Frame, key: string): Promise<void> {
    await frame.waitForFunction('document.hasFocus()', undefined, { timeout: this.limitMs }).catch((error: unknown) => {
      throw new Error(`the frame that ${key} is for does not get the keyboard`, { cause: error });
    });
    // The same listener as last time is not added twice.
    const before = await frame.evaluate<number>(`
      window.keysReached ??= [];
      window.keyReaches ??= ({ key }) => window.keysReached.push(key);
      addEventListener('keydown', window.keyReaches, true);
      window.keysReached.length`);
    const reached = (): Promise<number> => frame.evaluate<number>('window.keysReached.length');
    await this.editor.page.keyboard.press(key);
    for (let waited = 0; waited < this.limitMs; waited += 50) {
      if ((await reached()) > before) return;
      await this.editor.page.waitForTimeout(50);
    }
    throw new Error(`the key ${key} does not reach the frame`);
  }

  /** Runs a command by its title through the palette. */
  async command(title: string): Promise<void> {
    const { page } = this.editor;
    const chosen = this.rows(exactly(title)).and(page.locator('.focused'));
    // A busy window may lose a key, or close the palette when something else takes the focus: then it is opened again.
    for (let attempt = 1; ; attempt++)
      try {
        if (await this.quickInput.isVisible()) await page.keyboard.press('Escape');
        await page.keyboard.press('F1');
        await this.quickInput.locator('.quick-input-box input:focus').waitFor({ timeout: 5000 });
        await page.keyboard.type(title);
        await chosen.waitFor({ timeout: 10_000 });
        await this.enterInQuickInput();
        return;
      } catch (error) {
        if (attempt === 4) throw new Error(`the palette has no "${title}"`, { cause: error });
      }
  }

  /** Presses Enter; throws when the key went elsewhere because something took the focus from the quick input. */
  private async enterInQuickInput(): Promise<void> {
    const { page } = this.editor;
    await page.evaluate(`window.enterReached = false; addEventListener(
      'keydown',
      ({ target }) => (window.enterReached = target.closest('.quick-input-widget') !== null),
      { capture: true, once: true },
    )`);
    await page.keyboard.press('Enter');
    if (!(await page.evaluate('window.enterReached'))) throw new Error('Enter did not reach the palette');
  }

  /** Waits until the question is there; answers that come too soon are lost. */
  async asked(title: string): Promise<void> {
    await this.quickInput
      .locator('.quick-input-title', { hasText: title })
      .waitFor({ state: 'visible', timeout: this.limitMs });
    await this.quickInput.locator('input:focus').first().waitFor({ timeout: this.limitMs });
  }

  /** Answers a question for a text; what stood there is replaced. */
  async type(title: string, text: string): Promise<void> {
    const { keyboard } = this.editor.page;
    await this.asked(title);
    await keyboard.press('Control+a');
    await keyboard.press('Delete');
    await keyboard.type(text);
    await keyboard.press('Enter');
  }

  /** Takes the row of a list that has this text. */
  async pick(title: string, label: string): Promise<void> {
    await this.asked(title);
    await this.moveTo(label);
    await this.editor.page.keyboard.press('Enter');
  }

  /** Gives a file to VS Code's own file dialog, which completes what is typed: so the path is pasted. */
  async file(title: string, path: string): Promise<void> {
    const { page } = this.editor;
    await this.asked(title);
    const dialog = this.quickInput.locator('.quick-input-title', { hasText: title });
    // Enter is lost while the dialog still reads the folder.
    for (let attempt = 1; ; attempt++)
      try {
        await page.keyboard.press('Control+a');
        await page.keyboard.insertText(path);
        await page.waitForTimeout(1000);
        await page.keyboard.press('Enter');
        await dialog.waitFor({ state: 'hidden', timeout: 5000 });
        return;
      } catch (error) {
        if (attempt === 4) throw new Error(`the dialog does not take ${path}`, { cause: error });
      }
  }

  /** Ticks rows of a list, or takes ticks away, and goes on. */
  async tick(title: string, ...rows: (string | RegExp)[]): Promise<void> {
    await this.asked(title);
    for (const row of rows) {
      await this.moveTo(row);
      await this.editor.page.keyboard.press('Space');
    }
    await this.editor.page.keyboard.press('Enter');
  }

  /** Of the list of notifications, which is opened by keys. */
  notified(words: string): Promise<Locator> {
    return notified(this.editor, words, this.limitMs, (title) => this.command(title));
  }

  private get quickInput(): Locator {
    return this.editor.page.locator('.quick-input-widget');
  }

  private rows(label: string | RegExp): Locator {
    return this.quickInput
      .locator('.monaco-list-row')
      .filter({ has: this.editor.page.locator('.label-name', { hasText: label }) });
  }

  /** Down the list until the row has the focus. */
  private async moveTo(row: string | RegExp): Promise<void> {
    const { page } = this.editor;
    const wanted = this.quickInput.locator('.monaco-list-row').filter({ hasText: row });
    await wanted.first().waitFor({ timeout: this.limitMs });
    for (let n = 0; n < 100; n++) {
      if ((await wanted.and(page.locator('.focused')).count()) > 0) return;
      await page.keyboard.press('ArrowDown');
      await page.waitForTimeout(50);
    }
    throw new Error(`no row ${String(row)} gets the focus`);
  }
}

function exactly(label: string): RegExp {
  return new RegExp(`^${label.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}
