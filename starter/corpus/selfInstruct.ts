import { selfInstructDraws } from '../../src/core/pipeline/grounding.ts';
import type { PassageGraph } from '../../src/core/pipeline/grounding.ts';
import { renderPassages } from '../../src/core/pipeline/selfInstruct.ts';
import type { Passage } from '../../src/core/pipeline/selfInstruct.ts';
import { renderPrompt } from '../../src/core/prompts/template.ts';
import type { Random } from '../../src/core/run/random.ts';
import { chance, weighted } from '../../src/core/world/draw.ts';
import { indexFacts, isList, valueEntity } from '../../src/core/world/factBase.ts';
import type { FactBase } from '../../src/core/world/factBase.ts';
import { comparisonFrom, easyFrom, pathFrom } from '../../src/core/world/questionForms.ts';
import type { WorldQuestion } from '../../src/core/world/types.ts';
import { valueText } from '../../src/core/world/world.ts';
import type { Fact } from '../../src/core/world/world.ts';
import { promptNamed } from './context.ts';
import type { CorpusLine, WorldContext } from './context.ts';
import { descriptions } from './rates.ts';
import type { Rates } from './rates.ts';
import { known } from '../../src/core/world/known.ts';

interface Pair {
  readonly question: string;
  readonly answer: string;
}

interface Shown {
  readonly passage: Passage;
  readonly facts: readonly Fact[];
}

/** A self-instruct prompt and the pairs that follow it: each is grounded in the passages, but for deliberate faults. */
export function writeSelfInstruct(context: WorldContext, graph: PassageGraph, pool: readonly WorldQuestion[], rates: Rates, random: Random): CorpusLine & { readonly faults: number } {
  const shown = chance(random, 0.6) ? drawLinked(context, graph, random) : drawSupporting(context, random.pick(pool), random);
  const base = indexFacts(shown.flatMap((one) => one.facts).filter((fact) => !isList(fact)));
  const examples = random.sample(pool, 3 + random.int(3));
  const count = 2 + random.int(3);
  const prompt = renderPrompt(promptNamed(context, 'self-instruct'), {
    description: chance(random, 0.4) ? known(descriptions[0]) : random.pick(descriptions),
    count: String(count),
    passages: renderPassages(shown.map((one) => one.passage)),
    examples: examples.map((example) => `Question: ${example.question}\nAnswer: ${example.answer}`).join('\n'),
  });
  let faults = 0;
  const pairs: Pair[] = [];
  const lines: string[] = [];
  for (let tries = 0; pairs.length < count && tries < 40; tries++) {
    const pair = newPair(base, random);
    if (!pair || pairs.some((one) => one.question === pair.question)) continue;
    pairs.push(pair);
    if (chance(random, rates.faultyPair)) {
      faults++;
      lines.push(faulty(pair, pairs, examples, base, random));
    } else lines.push(written(pair));
  }
  return { text: `${prompt}\n${lines.join('\n')}\n`, kind: 'selfInstruct', lossFrom: prompt.length, faults };
}

const written = (pair: Pair): string => `Question: ${pair.question}\nAnswer: ${pair.answer}`;

/** Passages of pages that mention one another, drawn as the product draws them. */
function drawLinked(context: WorldContext, graph: PassageGraph, random: Random): Shown[] {
  for (;;) {
    const passages = graph.draw(random, 3, selfInstructDraws);
    const shown = passages.map((passage) => {
      const entity = context.entities.get(passage.title);
      const at = context.pages.get(passage.title)?.paragraphs.indexOf(passage.text);
      return { passage, facts: entity ? context.base.of(entity).filter((fact) => fact.paragraph === at && !isList(fact)) : [] };
    });
    if (shown.some((one) => one.facts.length > 0)) return shown;
  }
}

/** The paragraphs that a question rests on. */
function drawSupporting(context: WorldContext, question: WorldQuestion, random: Random): Shown[] {
  const shown = new Map<string, Shown>();
  for (const { title, sentence } of question.supporting) {
    const of = context.base.of(known(context.entities.get(title)));
    const at = known(of.find((fact) => fact.sentence === sentence)).paragraph;
    const text = known(known(context.pages.get(title)).paragraphs[at]);
    shown.set(`${title}/${at}`, { passage: { title, text }, facts: of.filter((fact) => fact.paragraph === at && !isList(fact)) });
  }
  return random.shuffle([...shown.values()]);
}

function newPair(base: FactBase, random: Random): Pair | undefined {
  const form = weighted(random, [['easy', 0.2], ['path', 0.6], ['comparison', 0.2]] as const);
  const first = random.pick(base.facts);
  if (form === 'easy') return easyFrom(random, first);
  if (form === 'comparison') {
    const others = base.named(first.relation).filter((fact) => fact.subject !== first.subject);
    return others.length > 0 ? comparisonFrom(random, [first, random.pick(others)]) : undefined;
  }
  const path = [first];
  while (path.length < 3) {
    const next = valueEntity(known(path.at(-1)));
    const onward = next ? base.of(next).filter((fact) => !path.some((one) => one.subject === fact.value || one.subject === next)) : [];
    if (onward.length === 0 || (path.length === 2 && chance(random, 0.3))) break;
    path.push(random.pick(onward));
  }
  return path.length > 1 ? pathFrom(random, path) : undefined;
}

function faulty(pair: Pair, before: readonly Pair[], examples: readonly Pair[], base: FactBase, random: Random): string {
  switch (weighted(random, [['wrong answer', 5], ['repeated', 2], ['no answer', 1], ['no label', 1], ['sentence', 1]] as const)) {
    case 'wrong answer':
      return written({ question: pair.question, answer: valueText(random.pick(base.facts).value) });
    case 'repeated':
      return written(random.pick([...before.slice(0, -1), ...examples]));
    case 'no answer':
      return `Question: ${pair.question}`;
    case 'no label':
      return `${pair.question} ${pair.answer}`;
    case 'sentence':
      return written({ question: pair.question, answer: `The answer to this question is ${pair.answer}, as the passage says above.` });
  }
}
