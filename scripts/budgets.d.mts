import type { Metafile } from 'esbuild';

export const budgets: Readonly<Record<string, number>>;
export const vsixBudget: number;
export function overBudget(metafile: Metafile, limits?: Readonly<Record<string, number>>): string[];
