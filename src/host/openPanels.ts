import type * as vscode from 'vscode';
import type * as z from 'zod';
import { Disposables } from './disposables.ts';
import type { Services } from './services.ts';

/** What stands in a webview panel. */
interface Panel extends vscode.Disposable {
  reveal(): void;
}

/** The open panels of one kind: each is there once, and survives a reload of the window by its state. */
export abstract class OpenPanels<P extends Panel, S> implements vscode.Disposable {
  protected readonly open = new Set<P>();
  protected readonly owned = new Disposables();
  private services: Services | undefined;

  /** What is written into the log when a kept state does not fit, and how such a state is read. */
  protected abstract readonly kept: { readonly name: string; readonly state: z.ZodType<S> };
  protected abstract make(services: Services, webview: vscode.WebviewPanel, state: S): P;

  /** Called once, when the services that the panels use have been built. */
  connect(services: Services): void {
    this.services = services;
  }

  /** Takes over a panel that VS Code kept over a reload. */
  restore(webview: vscode.WebviewPanel, state: unknown): void {
    const parsed = this.kept.state.safeParse(state);
    if (parsed.success) {
      this.adopt(webview, parsed.data);
      return;
    }
    this.services?.log.warn(`${this.kept.name} could not be restored: its stored state is not valid.`);
    webview.dispose();
  }

  dispose(): void {
    this.owned.dispose();
    for (const panel of [...this.open]) panel.dispose();
  }

  /** Brings the panel to the front that shows what is wanted, if there is one. */
  protected reveal(shows: (panel: P) => boolean): P | undefined {
    const known = [...this.open].find(shows);
    known?.reveal();
    return known;
  }

  protected adopt(webview: vscode.WebviewPanel, state: S): P {
    if (this.services === undefined) throw new Error(`${this.kept.name} was opened before its services were there.`);
    const panel = this.make(this.services, webview, state);
    this.open.add(panel);
    webview.onDidDispose(() => {
      this.open.delete(panel);
      panel.dispose();
    });
    return panel;
  }
}
