import type * as z from 'zod';

/** What is wrong with a value, one line a fault, with its place: `tools.0.provider: …`. */
export function schemaFaults(error: z.ZodError, whole: string): string[] {
  return error.issues.flatMap((issue) => flat(issue, [])).map(([path, said]) => `${path.join('.') || whole}: ${said}`);
}

type Fault = readonly [path: readonly PropertyKey[], message: string];

/** Of several forms that a value may have, what is wrong with the one that was meant: that whose type fits. */
function flat(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): Fault[] {
  const path = [...above, ...issue.path];
  const meant =
    issue.code === 'invalid_union'
      ? issue.errors.find((branch) => branch.length > 0 && branch.every((inner) => inner.path.length > 0))
      : undefined;
  return meant === undefined ? [[path.map(String), issue.message]] : meant.flatMap((inner) => flat(inner, path));
}
