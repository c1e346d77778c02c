/** The labelling panel's page on one side, the real desk over real files on the other; VS Code alone is not there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { LabelDesk } from '../../src/host/annotate/labelDesk.ts';
import { StudyFolder } from '../../src/node/annotate/studyFolder.ts';
import type { AnnotateAction } from '../../src/protocol/annotate.ts';
import { protocolVersion } from '../../src/protocol/surface.ts';
import { prepared, study } from '../unit/annotate/studyFixture.ts';
import { openPanel } from './panelPage.ts';
import type { PanelPage, PanelTheme } from './panelPage.ts';

/** Prepares the invented study `demo` of four methods on the paper's aspects, unless `changes` says otherwise. */
export function writeDemoStudy(scratch: string, changes: Record<string, unknown> = {}): StudyFolder {
  const paper = { aspects: undefined, instructions: 'Read the question first.', ...changes };
  const made = prepared(4, { audit: { items: 1 }, ...paper });
  writeFileSync(join(scratch, 'demo.study.json'), JSON.stringify(study(paper)));
  const folder = new StudyFolder(join(scratch, 'demo.study.json'));
  folder.write(made, new Date());
  return folder;
}

/** CSS pixels; 420 by 900 in light when nothing is said. */
export interface LabelPanelOptions {
  readonly theme?: PanelTheme;
  readonly width?: number;
  readonly height?: number;
  /** Waited for before an action is done, and again before its answer is sent; null for neither. */
  readonly busy?: () => Promise<void> | null;
}

export async function openLabelPanel(
  browser: Browser,
  desk: () => LabelDesk,
  options: LabelPanelOptions = {},
): Promise<PanelPage> {
  const panel: PanelPage = await openPanel({
    browser,
    name: 'annotate',
    theme: options.theme ?? 'light',
    size: { width: options.width ?? 420, height: options.height ?? 900 },
    answer: async (method, params) => {
      await options.busy?.();
      if (method === 'act') desk().act(params as AnnotateAction);
      void sendSnapshot(panel, desk());
      await options.busy?.();
      return null;
    },
  });
  await sendSnapshot(panel, desk());
  await panel.page.waitForSelector('h1');
  return panel;
}

export function sendSnapshot(panel: PanelPage, desk: LabelDesk): Promise<void> {
  return panel.send({ type: 'snapshot', version: protocolVersion, snapshot: desk.snapshot(1) });
}

/** Keys that ask the host for something are answered with a new snapshot before the next one is pressed. */
export async function pressKeys(panel: PanelPage, ...keys: string[]): Promise<void> {
  for (const key of keys) {
    const before = panel.posted.length;
    await panel.page.keyboard.press(key);
    await panel.page.waitForTimeout(panel.posted.length > before ? 60 : 20);
  }
}
