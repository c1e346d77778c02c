/** What stands behind a panel: VS Code, or a page that shows the same panel elsewhere. */
export interface PanelHost {
  post(message: unknown): void;
  /** Keeps a small object over a reload of the window. */
  keep(state: unknown): void;
  receive(listener: (message: unknown) => void): void;
}
