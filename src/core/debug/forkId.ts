/** Extension of trace documents. */
export const traceExtension = '.aatrace';

/** A fork's id: its trajectory's, and which of its forks it is. */
export function forkId(root: string, number: number): string {
  return `${root}/fork-${number}`;
}

/** File of a fork, below the folder of forks: ids hold slashes, and may hold what a file's name must not. */
export function forkFile(root: string, number: number): string {
  const name = root.replace(/[^\w.-]+/g, '-').slice(0, 120);
  return `${name}.fork-${number}.jsonl`;
}
