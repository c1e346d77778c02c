/** Takes the pictures of the labelling panel in docs/screenshots: an invented study in plain Chromium, in seconds. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { inRoot } from '../../scripts/lib/project.mjs';
import { findChromium } from '../../scripts/lib/systemPackages.mjs';
import { LabelDesk } from '../../src/host/annotate/labelDesk.ts';
import { openLabelPanel, pressKeys, writeDemoStudy } from '../webview/labelPanel.ts';
import type { PanelTheme } from '../webview/panelPage.ts';

interface Picture {
  readonly name: string;
  readonly theme: PanelTheme;
  /** CSS pixels. */
  readonly width: number;
  /** How many of the five aspects are answered. */
  readonly answered: number;
}

const pictures: readonly Picture[] = [
  { name: 'labels-dark', theme: 'dark', width: 1200, answered: 3 },
  { name: 'labels-high-contrast', theme: 'high contrast', width: 420, answered: 2 },
  { name: 'labels-light-narrow', theme: 'light', width: 300, answered: 1 },
];

const folder = inRoot('docs', 'screenshots');
mkdirSync(folder, { recursive: true });
const executablePath = findChromium();
if (executablePath === undefined) throw new Error('Chromium is missing: apt-get install chromium');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
const scratch = mkdtempSync(join(tmpdir(), 'autoact-pictures-'));
try {
  for (const { name, theme, width, answered } of pictures) {
    const own = join(scratch, name);
    mkdirSync(own);
    const desk = new LabelDesk();
    desk.openStudy(writeDemoStudy(own), 'ann');
    const panel = await openLabelPanel(browser, () => desk, { theme, width });
    await pressKeys(panel, ...Array.from({ length: answered }, () => '1'));
    await panel.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    if (panel.errors.length > 0) throw new Error(`The panel reported errors:\n${panel.errors.join('\n')}`);
    await panel.page.close();
    console.log(`docs/screenshots/${name}.png`);
  }
} finally {
  await browser.close();
  rmSync(scratch, { recursive: true, force: true });
}
