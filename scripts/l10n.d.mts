export const bundleFile: string;
export function wordFiles(): string[];
export function bundleText(): Promise<string>;
