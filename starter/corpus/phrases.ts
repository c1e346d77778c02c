import type { Random } from '../../src/core/run/random.ts';
import { weighted } from '../../src/core/world/draw.ts';
import { mention } from '../../src/core/world/entities.ts';
import { capital, stated, wanted } from './needs.ts';
import type { Need, Plan } from './needs.ts';
import { known } from '../../src/core/world/known.ts';

/** What authors think. The kinds of author differ in their first thought, which is what makes them tell apart. */
export const phrases = {
  careful(random: Random, plan: Plan): string {
    const [first, ...rest] = plan.needs as [Need, ...Need[]];
    if (plan.how === 'path') {
      const then = rest.map((need) => `then its ${need.relation.noun}`).join(', ');
      const all = [wanted(first), then].filter((part) => part !== '').join(', ');
      return weighted(random, [[`First I need ${all}.`, 8], [`To answer this I must find ${all}.`, 1], [`Step by step: ${all}.`, 1]]);
    }
    const others = rest.map((need) => mention(need.subject)).join(' and ');
    if (plan.how === 'both') return `First I need ${wanted(first)}, then ${wanted(known(rest[0]))}, and what both have in common.`;
    return weighted(random, [
      [`First I need ${wanted(first)}, then that of ${others}.`, 8],
      [`To answer this I must find ${wanted(first)} and compare it with ${others}.`, 1],
    ]);
  },
  careless(random: Random, plan: Plan): string {
    const name = mention(known(plan.needs[0]).subject);
    return weighted(random, [[`I should look up ${name}.`, 8], [`Let me see what is said of ${name}.`, 1], [capital(`${name} should help.`), 1]]);
  },
  next(random: Random, before: Need, need: Need): string {
    const finding = stated(before);
    return weighted(random, [
      [`${finding} Next I need ${wanted(need)}.`, 4], [`${finding} Still missing is ${wanted(need)}.`, 2], [`${finding} Now I look for ${wanted(need)}.`, 2],
    ]);
  },
  nextHasty(random: Random, need: Need): string {
    const name = mention(need.subject);
    return weighted(random, [[`Now I look up ${name}.`, 3], [`Then there is ${name}.`, 1], [`I should look up ${name} too.`, 1]]);
  },
  detail(random: Random, need: Need): string {
    return weighted(random, [
      [`The first paragraph does not give the ${need.relation.noun}. I look for it on the page.`, 3],
      [`The ${need.relation.noun} is still missing. I look for it on this page.`, 2],
      [`I do not see ${wanted(need)} yet. I look for the word ${need.relation.keyword}.`, 2],
    ]);
  },
  further: (random: Random): string => random.pick(['That is not it. I look for the next one.', 'This sentence is about something else. I go on.']),
  found(random: Random, finding: string, answer: string): string {
    return weighted(random, [[`${finding} That answers the question.`, 4], [`${finding} So the answer is ${answer}.`, 3], [`${finding} Nothing is missing.`, 1]]);
  },
  guess: (random: Random, answer: string): string => random.pick([`It must be ${answer}.`, `I think it is ${answer}.`, `So the answer is ${answer}.`]),
  ambiguous: (random: Random, need: Need): string =>
    random.pick([`The name has several meanings. I need the ${need.subject.noun}.`, `I mean the ${need.subject.noun} of that name.`]),
  recover: (random: Random, need: Need): string =>
    random.pick([`That is not what I need. I look for ${mention(need.subject)}.`, `This does not help. I open the page of ${mention(need.subject)}.`]),
  opened: (random: Random, need: Need): string => random.pick([`The page is ${need.subject.title}. I open it.`, `I open the page ${need.subject.title}.`]),
  again: (random: Random, need: Need): string =>
    random.pick([`The answer was wrong. I still need ${wanted(need)}.`, `That was too early. Missing is ${wanted(need)}.`]),
  stuck: (random: Random): string => random.pick(['I find nothing better. I keep the answer.', 'The steps give the same answer again.']),
} as const;

/** What judges think. */
export const judgements = {
  sure: (random: Random, answer: string): string =>
    weighted(random, [[`The answer ${answer} looks right.`, 4], [`I am sure that it is ${answer}.`, 2], [`It is ${answer}, no doubt.`, 2]]),
  right(random: Random, plan: Plan, answer: string): string {
    const last = known(plan.needs.at(-1));
    if (plan.how !== 'path') return random.pick([`All of it was looked up, and it gives ${answer}.`, `Nothing is missing in the steps, and they give ${answer}.`]);
    return random.pick([`The question asks for ${wanted(last)}, and the steps found ${answer}.`, `The steps found ${answer}, which is ${wanted(last)}.`]);
  },
  /** Names what is missing: the first need that the steps have not met. */
  wrong: (random: Random, missing: Need | undefined): string =>
    missing
      ? random.pick([`The steps never found ${wanted(missing)}.`, `The question needs ${wanted(missing)}, which was not found.`])
      : random.pick(['The steps say something else than the answer.', 'The values that were found do not give this answer.']),
  doubt: (random: Random): string => random.pick(['I doubt it; something may be missing.', 'This does not look like what was asked.']),
  wronglyRight(random: Random, plan: Plan, answer: string): string {
    return random.pick([`The question asks for ${wanted(known(plan.needs.at(-1)))}, and the steps found ${answer}.`, `Nothing is missing in the steps, and they give ${answer}.`]);
  },
} as const;
