import type { Box } from '../node/box/boxes.ts';
import type { OpenBox } from '../node/box/openBox.ts';
import { sshPrompts } from './sshPrompts.ts';

/** Opens a box whose questions are put at this terminal. SSH is loaded only then: most commands do without. */
export async function openBoxHere(box: Box): Promise<OpenBox> {
  const { openBox } = await import('../node/box/openBox.ts');
  return openBox(box, { ports: sshPrompts() });
}
