import type { Locator } from 'playwright-core';
import type { Editor, Theme } from './codeServer.ts';

const limitMs = 45_000;

/** How a test drives and reads the debugger's views of a window, as a person does. */
export interface DebugWindow {
  /** Starts a configuration of launch.json. */
  start(name: string): Promise<void>;
  /** Waits until a frame of the call stack says this. */
  standsAt(frame: string): Promise<void>;
  /** A line of any text editor that holds this text. */
  line(text: string): Locator;
  /** Waits until a line's end has a remark that ends so, and gives it: VS Code draws it as content of a style. */
  remark(text: string, end: string): Promise<string>;
  /** A row of the Variables view. */
  variable(name: string): Locator;
  /** Edits a value in the Variables view. */
  setVariable(name: string, value: string): Promise<void>;
  /** Sets a breakpoint with a condition on the line with this text. */
  addConditional(text: string, condition: string): Promise<void>;
  /** By its button: VS Code has no such command in its palette. */
  stepBack(): Promise<void>;
  tab(text: string): Promise<void>;
  /** A screenshot in each theme: `<name>-light.png` and so on. */
  inThemes(name: string): Promise<void>;
}

/** The window is to be large: the editor draws only the lines in sight. */
export const debugWindowSize = { width: 1440, height: 1400 };

export const debugWindowSettings = {
  'debug.toolBarLocation': 'docked',
  'debug.openDebug': 'openOnDebugBreak',
  'debug.console.closeOnEnd': false,
};

export function debugWindow(editor: Editor): DebugWindow {
  const { page } = editor;
  const themes: readonly Theme[] = ['light', 'high contrast', 'dark'];
  const line = (text: string) => page.locator('.view-line', { hasText: text }).first();
  const variable = (name: string) =>
    page.locator('.debug-variables .monaco-list-row', { hasText: new RegExp(`^${name}\\b`) }).first();
  return {
    async start(name) {
      // The views are drawn once they are shown.
      await editor.runCommand('View: Show Run and Debug');
      await editor.runCommand('Debug: Select and Start Debugging');
      // The configurations come after the commands that were there before.
      const row = page.locator('.quick-input-widget .monaco-list-row', { hasText: new RegExp(`^${name}`) });
      await row.first().click({ timeout: limitMs });
    },
    async standsAt(frame) {
      await page
        .locator('.debug-call-stack .monaco-list-row', { hasText: frame })
        .first()
        .waitFor({ timeout: limitMs });
    },
    line,
    async remark(text, end) {
      const deadline = Date.now() + limitMs;
      for (;;) {
        await page.waitForTimeout(100);
        const drawn = await line(text)
          .locator('span')
          .evaluateAll((spans) => {
            const page = globalThis as unknown as { getComputedStyle(of: unknown, part: string): { content: string } };
            return spans.map((one) => page.getComputedStyle(one, '::after').content);
          });
        const contents = drawn.map((content) => content.slice(1, -1).replaceAll('\u00a0', ' '));
        const found = contents.find((content) => content.endsWith(end));
        if (found !== undefined || Date.now() > deadline) return found ?? contents.join(' ');
      }
    },
    variable,
    async setVariable(name, value) {
      // For a moment after a stop VS Code draws the view anew. A box that is open by then goes with what was typed.
      const box = page.locator('.debug-variables input:visible').first();
      for (let attempt = 1; ; attempt++)
        try {
          await variable(name).locator('.expression').dblclick({ timeout: limitMs });
          await box.waitFor({ timeout: 5000 });
          await box.fill(value, { timeout: 5000 });
          await box.press('Enter', { timeout: 5000 });
          await variable(name).filter({ hasText: value }).waitFor({ timeout: 10_000 });
          return;
        } catch (error) {
          if (attempt === 4) throw error;
        }
    },
    async addConditional(text, condition) {
      const bound = page.locator('.debug-breakpoints .codicon-debug-breakpoint-conditional');
      const before = await bound.count();
      await line(text).click({ timeout: limitMs });
      await editor.runCommand('Debug: Add Conditional Breakpoint...');
      const widget = page.locator('.breakpoint-widget').first();
      await widget.locator('.monaco-editor.focused').waitFor({ timeout: limitMs });
      const typed = widget.locator('.view-line', { hasText: condition.split(' ')[0] ?? condition });
      // A window that has just moved its focus may lose what comes.
      for (let attempt = 1; ; attempt++)
        try {
          // At once: typed letter by letter, the editor closes brackets and takes suggestions.
          await page.keyboard.insertText(condition);
          await typed.waitFor({ timeout: 5000 });
          break;
        } catch (error) {
          if (attempt === 4) throw error;
          await widget.locator('.view-lines').click();
        }
      await page.keyboard.press('Enter');
      await widget.waitFor({ state: 'detached', timeout: limitMs });
      await bound.nth(before).waitFor({ timeout: limitMs });
    },
    async stepBack() {
      await page.locator('a.action-label[aria-label^="Step Back"]').first().click({ timeout: limitMs });
    },
    async tab(text) {
      await page.locator('.tab', { hasText: text }).first().waitFor({ timeout: limitMs });
    },
    async inThemes(name) {
      for (const theme of themes) {
        await editor.setTheme(theme);
        await editor.screenshot(`${name}-${theme.replace(' ', '-')}`);
      }
    },
  };
}
