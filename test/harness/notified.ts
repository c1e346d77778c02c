import type { Locator } from 'playwright-core';
import type { Editor } from './codeServer.ts';

/**
 * A notification with these words, from the list of all: on a busy machine a toast is gone before it was seen.
 * @param run how a command is run, where that is part of the test
 */
export async function notified(
  editor: Editor,
  words: string,
  limitMs = 90_000,
  run = (title: string): Promise<void> => editor.runCommand(title),
): Promise<Locator> {
  const found = editor.page.locator('.notifications-center .notification-list-item', { hasText: words });
  const end = Date.now() + limitMs;
  while (!(await found.first().isVisible())) {
    if (Date.now() > end) throw new Error(`no notification says "${words}"`);
    await run('Notifications: Show Notifications');
    await editor.page.waitForTimeout(500);
  }
  return found.first();
}
