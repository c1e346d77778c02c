export const root: string;
export const cacheDir: string;
export function inRoot(...parts: string[]): string;
export const node24: string;
