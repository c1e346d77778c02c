export function packedPatterns(root: string): string[];
export function packedFiles(root: string): string[];
export function isWeights(file: string): boolean;
export function checkPackedFiles(files: readonly string[]): string[];
