/** `npm run fuzz [-- COUNT [SEED]]`: a million inputs by default. Ends with exit code 1 at the first broken promise. */
import { fuzzParsers } from './parsers.ts';

const [count = '1000000', seed = '1'] = process.argv.slice(2);
const began = performance.now();
const report = fuzzParsers(Number(count), Number(seed), (done) => {
  process.stdout.write(`\r${done.toLocaleString('en-US')} inputs`);
});
console.log(
  `\r${report.inputs.toLocaleString('en-US')} inputs in ${((performance.now() - began) / 1000).toFixed(0)} s, ${report.readable.toLocaleString('en-US')} of them readable trajectories; slowest ${report.slowest.ms.toFixed(1)} ms`,
);
