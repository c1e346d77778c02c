import type { Plugin } from 'esbuild';

export interface LayerRule {
  readonly layers: readonly string[];
  readonly packages: readonly string[] | '*';
  readonly node?: boolean;
  readonly vscode?: boolean;
}
export const layers: Readonly<Record<string, LayerRule>>;
export function layerOf(path: string): string | undefined;
export function violation(root: string, importer: string, specifier: string): string | undefined;
export function layerPlugin(root: string): Plugin;
export function layerRule(root: string): import('eslint').Rule.RuleModule;
