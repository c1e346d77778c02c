/**
 * Which tokens each sequence of a context holds, and how a new prompt gets the longest prefix that is already there.
 * Pure bookkeeping; the batcher carries it out.
 *
 * The first `active` sequences generate; the rest are parked prefixes. Generating ones should have neighbouring ids,
 * because llama.cpp evaluates only a run of neighbours as one graph, so a request takes the lowest free id and has its
 * prefix copied there. What was there before moves to a parked sequence when it is worth it.
 */

export interface CachedSequence {
  readonly id: number;
  /** Tokens whose keys and values are in the cache. */
  readonly tokens: number[];
  busy: boolean;
  /** Larger is more recent. */
  used: number;
}

export function commonPrefix(a: readonly number[], b: readonly number[], limit = Infinity): number {
  const end = Math.min(limit, a.length, b.length);
  let i = 0;
  while (i < end && a[i] === b[i]) i++;
  return i;
}

export interface Placement {
  readonly sequence: CachedSequence;
  /** Tokens of the prompt that need no evaluation. */
  readonly reused: number;
  /** First copy `sequence` here, to keep what it holds. */
  readonly park?: CachedSequence;
  /** Then copy this one into `sequence`. */
  readonly source?: CachedSequence;
}

/** Copying costs about as much as evaluating a few tokens. */
const WORTH_COPYING = 16;
/** A shorter tail is most likely one completion that nobody asks for again. */
const WORTH_KEEPING = 64;
/** Ids up to this far above the lowest free one are taken in place, which saves the copy. */
const SLACK = 1;

/**
 * @param active how many of `sequences`, from the first, may generate
 * @param limit at most this many tokens may be reused (the last prompt token must be evaluated to get its logits)
 * @returns undefined when all active sequences are busy
 */
export function place(
  sequences: readonly CachedSequence[],
  active: number,
  prompt: readonly number[],
  limit: number,
): Placement | undefined {
  const free = sequences.slice(0, active).filter((sequence) => !sequence.busy);
  const lowest = free[0];
  if (lowest === undefined) return undefined;
  let source: CachedSequence | undefined;
  let sourceReuse = 0;
  for (const sequence of sequences) {
    const reuse = commonPrefix(sequence.tokens, prompt, limit);
    // Of equal ones take a free sequence, so that it can be used in place.
    if (reuse > sourceReuse || (reuse === sourceReuse && reuse > 0 && source?.busy === true))
      [source, sourceReuse] = [sequence, reuse];
  }
  const hasParking = sequences.length > active;
  const target = pickTarget(free, lowest, source, sourceReuse, hasParking);
  const inPlace = commonPrefix(target.tokens, prompt, limit);
  const copied = source !== target && sourceReuse - inPlace >= WORTH_COPYING ? source : undefined;
  const reused = copied === undefined ? inPlace : sourceReuse;
  const lost = target.tokens.length - (copied === undefined ? inPlace : commonPrefix(target.tokens, copied.tokens));
  const park = lost >= WORTH_KEEPING ? parkingFor(sequences.slice(active), target, copied) : undefined;
  return {
    sequence: target,
    reused,
    ...(park !== undefined && { park }),
    ...(copied !== undefined && { source: copied }),
  };
}

function pickTarget(
  free: readonly CachedSequence[],
  lowest: CachedSequence,
  source: CachedSequence | undefined,
  reuse: number,
  hasParking: boolean,
): CachedSequence {
  const usable = source !== undefined && free.includes(source) ? source : undefined;
  if (hasParking) return usable !== undefined && usable.id <= lowest.id + SLACK ? usable : lowest;
  // Nothing can be kept elsewhere: continue the best one unless that cuts a long tail, else give up the oldest.
  if (usable !== undefined && reuse > 0 && usable.tokens.length - reuse < WORTH_KEEPING) return usable;
  const others = free.filter((sequence) => sequence !== usable);
  return oldest(others) ?? lowest;
}

function parkingFor(
  parked: readonly CachedSequence[],
  target: CachedSequence,
  source: CachedSequence | undefined,
): CachedSequence | undefined {
  const victim = oldest(parked.filter((sequence) => sequence !== source));
  return victim !== undefined && (victim.tokens.length === 0 || victim.used < target.used) ? victim : undefined;
}

/** An empty one, else the least recently used. */
function oldest(sequences: readonly CachedSequence[]): CachedSequence | undefined {
  let found: CachedSequence | undefined;
  for (const sequence of sequences) {
    if (sequence.tokens.length === 0) return sequence;
    if (found === undefined || sequence.used < found.used) found = sequence;
  }
  return found;
}
