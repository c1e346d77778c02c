export function findChromium(): string | undefined;
export function findSshd(): string | undefined;
