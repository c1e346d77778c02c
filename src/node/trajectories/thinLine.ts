/** Texts of a step, which are most of a line and tell an index nothing. */
const keys = ['"observation"', '"thought"'].map((key) => Buffer.from(key));
/** Shorter ones are parsed faster than cut out. */
const worthCutting = 128;
const [space, quote, colon, backslash] = [0x20, 0x22, 0x3a, 0x5c];

/**
 * A line of JSON without the contents of its long observations and thoughts, so that a file is indexed at the speed of a
 * search for quotes and not of a parser. The two bytes of a key's quotes are never alike inside a string, where they
 * would be escaped, so that nothing else is cut. What is wrong inside a text that was cut out, such as an escape that
 * does not exist, is told when the trajectory is opened; a line that ends within one is given back as it is.
 */
export function thinLine(line: Buffer): Buffer {
  const cuts: (readonly [number, number])[] = [];
  for (const key of keys) {
    for (let at = line.indexOf(key); at >= 0;) {
      let start = at + key.length;
      while (line[start] === space) start++;
      if (line[start] === colon) {
        start++;
        while (line[start] === space) start++;
        if (line[start] === quote) {
          const end = endOfString(line, start + 1);
          if (end < 0) return line;
          if (end - start > worthCutting) cuts.push([start + 1, end]);
          start = end;
        }
      }
      at = line.indexOf(key, start);
    }
  }
  if (cuts.length === 0) return line;
  cuts.sort((a, b) => a[0] - b[0]);
  const parts: Buffer[] = [];
  let from = 0;
  for (const [start, end] of cuts) {
    parts.push(line.subarray(from, start));
    from = end;
  }
  parts.push(line.subarray(from));
  return Buffer.concat(parts);
}

/** Offset of the quote that ends a string; -1 when there is none. */
function endOfString(line: Buffer, from: number): number {
  for (let end = line.indexOf(quote, from); end >= 0; end = line.indexOf(quote, end + 1)) {
    let before = end;
    while (before > from && line[before - 1] === backslash) before--;
    if ((end - before) % 2 === 0) return end;
  }
  return -1;
}
