import type { Random } from '../../src/core/run/random.ts';
import { chance } from '../../src/core/world/draw.ts';
import { createNamer } from '../../src/core/world/names.ts';
import type { CorpusLine } from './context.ts';

/**
 * Lists of invented names in which the second half can be copied from the first: names again in another order, values
 * looked up by their names, names put into actions. They hold no fact and no plan. A model of this size learns to copy
 * names, without which it can neither open a page nor give an answer, many times sooner from them than from prose.
 */
export function writeDrill(random: Random): CorpusLine {
  const namer = createNamer(random, chance(random, 0.25) ? 'mentions' : 'titles');
  const name = (): string => (chance(random, 0.5) ? `${namer.word()} ${namer.word()}` : chance(random, 0.5) ? namer.word() : `${random.pick(['Lake', 'Mount', 'The', 'Lower', 'Old'])} ${namer.word()}`);
  const value = (): string => (chance(random, 0.3) ? String(1300 + random.int(700)) : name());
  const pairs = Array.from({ length: 3 + random.int(5) }, () => ({ key: name(), value: value() }));
  const again = random.shuffle(pairs);
  switch (random.int(3)) {
    case 0:
      return drill(`${pairs.map((p) => p.key).join('; ')}.\n`, `${again.map((p) => p.key).join('; ')}.\n`);
    case 1:
      return drill(pairs.map((p) => `${p.key}: ${p.value}.\n`).join(''), again.map((p) => `${p.key}: ${p.value}.\n`).join(''));
    default:
      return drill(
        pairs.map((p) => `${p.key} is ${p.value}.\n`).join(''),
        again.map((p) => `Thought: I need ${p.key}.\nAction: Retrieve[${p.key}]\nObservation: ${p.key} is ${p.value}.\nAction: Finish[${p.value}]\n`).join(''),
      );
  }
}

const drill = (shown: string, copied: string): CorpusLine => ({ kind: 'drill', text: shown + copied, lossFrom: shown.length });
