import type { Box } from '../node/box/boxes.ts';
import type { OpenBox } from '../node/box/openBox.ts';
import type { SshPorts } from '../node/box/ssh/ports.ts';
import { editorHere } from './editorPrompts.ts';
import { sshPrompts } from './sshPrompts.ts';

let ports: SshPorts | undefined;

/**
 * Opens a box whose questions are put at this terminal, or in the editor that started this process. SSH is loaded only
 * then: most commands do without.
 */
export async function openBoxHere(box: Box): Promise<OpenBox> {
  const { openBox } = await import('../node/box/openBox.ts');
  // One for all boxes of this process: questions come one after another, and a passphrase once.
  ports ??= editorHere() ?? sshPrompts();
  return openBox(box, { ports });
}
