/**
 * Near-duplicates among generated questions: the exact join against comparing every pair, its time at 100,000, and time
 * and recall of candidates with verification at a million. `--small` does the comparison with all pairs alone.
 *
 * Questions have 8 to 30 words of a vocabulary with Zipf's frequencies; a quarter are copies of earlier ones with a
 * fifth of their words changed, dropped or added, so that many pairs lie near the threshold.
 */
import { CandidateIndex } from '../src/core/dedupe/candidateIndex.ts';
import { ExactIndex } from '../src/core/dedupe/exactIndex.ts';
import { LcsProbe } from '../src/core/dedupe/lcs.ts';
import { rougeL } from '../src/core/dedupe/measure.ts';
import { createRandom } from '../src/core/run/random.ts';

const threshold = 0.7;
const limits = { exactSeconds: 90, recall: 0.95 };

function questions(count: number, seed: number): string[][] {
  const random = createRandom(seed);
  const vocabulary = 30_000;
  const harmonic = Math.log(vocabulary);
  // One string for each word, so that a million questions fit into memory.
  const words = Array.from({ length: vocabulary + 1 }, (_, i) => `w${i}`);
  // The inverse of Zipf's distribution: rank r has a share of 1/r.
  const word = (): string => words[Math.floor(Math.exp(random.next() * harmonic))] ?? '';
  const all: string[][] = [];
  while (all.length < count) {
    if (all.length > 0 && random.next() < 0.25) {
      const copy = random.pick(all).flatMap((w) => {
        const chance = random.next();
        return chance < 0.8 ? [w] : chance < 0.87 ? [word()] : chance < 0.94 ? [] : [w, word()];
      });
      all.push(copy);
    } else all.push(Array.from({ length: 8 + random.int(23) }, word));
  }
  return all;
}

interface Index {
  find(words: readonly string[]): number | undefined;
  add(words: readonly string[]): number;
}

/** Lets questions in one after another, each unless it is like one that is in: the decisions of self-instruct. */
function decide(all: readonly (readonly string[])[], index: Index): { kept: boolean[]; seconds: number } {
  const began = process.cpuUsage();
  const kept = all.map((words) => {
    if (index.find(words) !== undefined) return false;
    index.add(words);
    return true;
  });
  const used = process.cpuUsage(began);
  return { kept, seconds: (used.user + used.system) / 1e6 };
}

/** Compares with every question that is in. */
function everyPair(): Index {
  const ids = new Map<string, number>();
  const taken: Int32Array[] = [];
  const lcs = new LcsProbe();
  const encode = (words: readonly string[]): Int32Array =>
    Int32Array.from(words, (w) => {
      const id = ids.get(w) ?? ids.size;
      ids.set(w, id);
      return id;
    });
  return {
    find: (words) => {
      const sequence = encode(words);
      lcs.set(sequence);
      const at = taken.findIndex((t) => rougeL(lcs.with(t), sequence.length, t.length) >= threshold);
      return at < 0 ? undefined : at;
    },
    add: (words) => taken.push(encode(words)) - 1,
  };
}

const count = (kept: readonly boolean[]): number => kept.filter(Boolean).length;
const small = process.argv.includes('--small');
const results: Record<string, unknown>[] = [];

const sample = questions(5_000, 1);
const brute = decide(sample, everyPair());
const exact = decide(sample, new ExactIndex('rouge-l', threshold));
const candidates = decide(sample, new CandidateIndex('rouge-l', threshold));
const same = brute.kept.every((kept, i) => kept === exact.kept[i]);
const recallOf = (found: readonly boolean[]): number =>
  found.filter((kept, i) => !kept && brute.kept[i] === false).length / (brute.kept.length - count(brute.kept));
results.push({
  size: sample.length,
  everyPairSeconds: brute.seconds,
  exactSeconds: exact.seconds,
  kept: count(brute.kept),
  sameDecisions: same,
  candidateSeconds: candidates.seconds,
  candidateRecall: recallOf(candidates.kept),
});
if (!same || recallOf(candidates.kept) < limits.recall) process.exitCode = 1;

if (!small) {
  const large = questions(100_000, 2);
  const join = decide(large, new ExactIndex('rouge-l', threshold));
  const quick = decide(large, new CandidateIndex('rouge-l', threshold));
  const duplicates = join.kept.filter((kept) => !kept).length;
  const recall = quick.kept.filter((kept, i) => !kept && join.kept[i] === false).length / duplicates;
  results.push({
    size: large.length,
    exactSeconds: join.seconds,
    kept: count(join.kept),
    candidateSeconds: quick.seconds,
    candidateRecall: recall,
  });
  if (join.seconds > limits.exactSeconds || recall < limits.recall) process.exitCode = 1;

  const million = questions(1_000_000, 3);
  const index = new CandidateIndex('rouge-l', threshold);
  const run = decide(million, index);
  // Of what was let in, how much should not have been: a sample is compared with every question before it.
  const random = createRandom(4);
  const places = million.map((_, i) => i);
  const checked = random.sample(places, 200);
  const all = everyPair();
  let missed = 0;
  let found = 0;
  const wanted = new Set(checked);
  for (const [i, words] of million.entries()) {
    if (wanted.has(i)) {
      if (run.kept[i] === false) found++;
      else if (all.find(words) !== undefined) missed++;
    }
    if (run.kept[i] === true) all.add(words);
  }
  results.push({
    size: million.length,
    candidateSeconds: run.seconds,
    kept: count(run.kept),
    recallOnSample: found / (found + missed),
    sampled: checked.length,
  });
}

if (process.argv.includes('--json'))
  for (const result of results) console.log(JSON.stringify({ name: 'dedupe', ...result, limits }));
else
  for (const result of results)
    console.log(
      Object.entries(result)
        .map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : String(value)}`)
        .join(', '),
    );
