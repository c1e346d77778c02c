/**
 * For look-ups that cannot fail unless the program is wrong.
 * @throws TypeError when the value is missing all the same.
 */
export function known<T>(value: T | undefined): T {
  if (value === undefined)
    throw new TypeError(
      'A value that must be there is missing; the world and what was built on it do not fit together.',
    );
  return value;
}
