/** Which tokens each sequence of a context holds, and from which one a new prompt should start. Pure bookkeeping. */

export interface CachedSequence {
  readonly id: number;
  /** Tokens whose keys and values are in the cache. */
  readonly tokens: number[];
  busy: boolean;
  /** Larger is more recent. */
  used: number;
}

export function commonPrefix(a: readonly number[], b: readonly number[], limit = Math.min(a.length, b.length)): number {
  const end = Math.min(limit, a.length, b.length);
  let i = 0;
  while (i < end && a[i] === b[i]) i++;
  return i;
}

export interface Placement {
  readonly sequence: CachedSequence;
  /** Tokens of the prompt that need no evaluation. */
  readonly reused: number;
  /** The sequence to copy from first, when another one holds a longer prefix than `sequence` does. */
  readonly source?: CachedSequence;
}

/** Copying costs about as much as evaluating a few tokens. */
const WORTH_COPYING = 16;
/** A shorter tail is most likely one completion that nobody asks for again. */
const WORTH_KEEPING = 64;

/**
 * Choose a free sequence for a prompt: the one with the longest common prefix; failing that the one least worth
 * keeping, filled by copy from whichever sequence (busy or not) shares the longest prefix.
 * @param limit at most this many tokens may be reused (the last prompt token must be evaluated to get its logits).
 */
export function place(sequences: readonly CachedSequence[], prompt: readonly number[], limit: number): Placement | undefined {
  let own: CachedSequence | undefined;
  let ownReuse = -1;
  let source: CachedSequence | undefined;
  let sourceReuse = 0;
  for (const sequence of sequences) {
    const reuse = commonPrefix(sequence.tokens, prompt, limit);
    if (reuse > sourceReuse) [source, sourceReuse] = [sequence, reuse];
    if (sequence.busy) continue;
    // A longer tail that would be thrown away counts against a sequence with the same prefix.
    const better = reuse > ownReuse || (reuse === ownReuse && own !== undefined && less(sequence, own));
    if (own === undefined || better) [own, ownReuse] = [sequence, reuse];
  }
  if (own === undefined) return undefined;
  // Continuing a sequence where it ends loses nothing. Cutting one short throws its tail away: prefer an emptier or
  // older one then, and copy the common part into it.
  const loses = own.tokens.length - ownReuse;
  if (source !== undefined && (sourceReuse - ownReuse >= WORTH_COPYING || (loses >= WORTH_KEEPING && sourceReuse >= WORTH_COPYING))) {
    const target = cheapest(sequences, source);
    if (target !== undefined && (target !== own || source !== own)) {
      const targetReuse = commonPrefix(target.tokens, prompt, limit);
      if (sourceReuse - targetReuse >= WORTH_COPYING) return { sequence: target, reused: sourceReuse, source };
      return { sequence: target, reused: targetReuse };
    }
  }
  return { sequence: own, reused: ownReuse };
}

/** The free sequence whose content is least worth keeping: an empty one, else the least recently used. */
function cheapest(sequences: readonly CachedSequence[], except: CachedSequence): CachedSequence | undefined {
  let found: CachedSequence | undefined;
  for (const sequence of sequences)
    if (!sequence.busy && sequence !== except && (found === undefined || less(sequence, found))) found = sequence;
  return found;
}

function less(a: CachedSequence, b: CachedSequence): boolean {
  if (a.tokens.length === 0 || b.tokens.length === 0) return a.tokens.length < b.tokens.length;
  return a.used < b.used;
}
