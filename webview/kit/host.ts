/** What stands behind a panel: VS Code, or a page that shows the same panel elsewhere. */
export interface PanelHost {
  post(message: unknown): void;
  /** Keeps a small object over a reload of the window. */
  keep(state: unknown): void;
  receive(listener: (message: unknown) => void): void;
}

interface VsCodeApi {
  postMessage(message: unknown): void;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export function vsCodeHost(): PanelHost {
  const api = acquireVsCodeApi();
  return {
    post: (message) => {
      api.postMessage(message);
    },
    keep: (state) => {
      api.setState(state);
    },
    receive: (listener) => {
      window.addEventListener('message', (event) => {
        listener(event.data);
      });
    },
  };
}
