// Size limits of what users load, and the check the build runs on its own output.
export const kilobyte = 1000;

/** Bytes, minified. Keys are output files relative to the repository root. */
export const budgets = {
  'dist/extension.js': 120 * kilobyte,
  'dist/webview/*.js': 400 * kilobyte,
};
/** Bytes of the .vsix less the starter model's weights; the engine is never in it. */
export const vsixBudget = 2000 * kilobyte;

const toPattern = (key) => new RegExp(`^${key.replace(/[.]/g, '\\.').replace('*', '[^/]+')}$`);

/** Lines that name each output over its limit, with the inputs that weigh most. */
export function overBudget(metafile, limits = budgets) {
  const lines = [];
  for (const [key, limit] of Object.entries(limits))
    for (const [path, output] of Object.entries(metafile.outputs)) {
      if (!toPattern(key).test(path) || output.bytes <= limit) continue;
      const heaviest = Object.entries(output.inputs)
        .sort((a, b) => b[1].bytesInOutput - a[1].bytesInOutput)
        .slice(0, 5)
        .map(([input, { bytesInOutput }]) => `${input} ${bytesInOutput}`);
      lines.push(`${path} is ${output.bytes} bytes, limit ${limit}; heaviest: ${heaviest.join(', ')}`);
    }
  return lines;
}
