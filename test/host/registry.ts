/**
 * The smallest test runner that works in every extension host: node:test reports through streams and exit hooks that
 * a host owns. Tests run one after another, in the order in which their files are imported.
 */
export interface HostTest {
  readonly name: string;
  /** Whether its window has a folder. */
  readonly folder: boolean;
  readonly body: () => Promise<void> | void;
}

export const hostTests: HostTest[] = [];

/** Registers a test that runs inside VS Code, with `vscode` at hand. */
export function hostTest(name: string, body: HostTest['body']): void {
  hostTests.push({ name, folder: true, body });
}

/** One for a window that has no folder open. */
export function bareWindowTest(name: string, body: HostTest['body']): void {
  hostTests.push({ name, folder: false, body });
}
