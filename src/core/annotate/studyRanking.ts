import { quantileSorted } from '../evaluate/describe.ts';
import type { RandomSource } from '../evaluate/intervals.ts';
import type { Strength, UnitVotes, WinRate } from './analyse.ts';
import type { StudyKey } from './prepare.ts';
import { luceStrengths, type Choices } from './ranking.ts';

/** Enough for an interval of strengths, each of which is a fit of its own. */
const resamples = 400;

/** Adds strengths where more than two methods are compared; of two, the win rate says it all. */
export function withStrengths(
  key: StudyKey,
  units: readonly UnitVotes[],
  rates: readonly WinRate[],
  random: RandomSource,
): readonly WinRate[] {
  const { methods } = key;
  if (methods.length < 3) return rates;
  const index = new Map(methods.map((m, i) => [m.id, i]));
  const byQuestion = new Map<string, Choices[]>();
  for (const unit of units) {
    const choices = byQuestion.get(unit.unit.item) ?? [];
    byQuestion.set(unit.unit.item, choices);
    const set = unit.methods.flatMap((m) => index.get(m) ?? []);
    for (const { best } of unit.ratings)
      for (const winner of best) choices.push({ set, winner: index.get(winner) ?? 0, weight: 1 / best.length });
  }
  const questions = [...byQuestion.values()];
  const fitted = luceStrengths(methods.length, questions.flat());
  if (fitted === undefined) return rates;
  // Questions are drawn again, each with all of its annotators, as for win rates.
  const drawn = Array.from({ length: questions.length < 2 ? 0 : resamples }, () =>
    luceStrengths(
      methods.length,
      questions.flatMap(() => questions[Math.floor(random.next() * questions.length)] ?? []),
      { tolerance: 1e-6 },
    ),
  ).filter((one) => one !== undefined);
  return rates.map((rate) => {
    const at = index.get(rate.method);
    const value = at === undefined ? undefined : fitted[at];
    if (at === undefined || value === undefined) return rate;
    const sorted = Float64Array.from(drawn, (one) => one[at] ?? 0).sort();
    const [low, high] = [quantileSorted(sorted, 0.025), quantileSorted(sorted, 0.975)];
    const strength: Strength = low === undefined || high === undefined ? { value } : { value, low, high };
    return { ...rate, strength };
  });
}
