import type { PanelHost } from './panelHost.ts';

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
