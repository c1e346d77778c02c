export interface Lane<T> {
  title: string;
  slots: number;
  run(print: (text: string) => void): Promise<T>;
}
export function sideBySide<T>(jobs: readonly Lane<T>[], slots: number, write?: (text: string) => void): Promise<T[]>;
