import { renderPrompt } from '../../src/core/prompts/template.ts';
import type { PromptTemplate } from '../../src/core/prompts/template.ts';
import type { Random } from '../../src/core/run/random.ts';
import { lookupTools, renderLibrary } from '../../src/core/tools/library.ts';
import type { ToolDescription } from '../../src/core/tools/library.ts';
import { chance } from '../../src/core/world/draw.ts';
import { promptNamed } from './context.ts';
import type { CorpusLine } from './context.ts';
import { descriptions } from './rates.ts';
import type { Rates } from './rates.ts';
import { known } from '../../src/core/world/known.ts';

const invented = (name: string, argument: string, definition: string, usage: string): ToolDescription => ({ name, argument, definition, usage, aliases: [] });

/** Tools that no run has; they make the library worth reading. */
const otherTools: readonly ToolDescription[] = [
  invented('Weather', 'place', 'tells the weather at a place', 'Weather[harbour]'),
  invented('Translate', 'text', 'translates a text', 'Translate[good morning]'),
  invented('Draw', 'description', 'draws a picture', 'Draw[a red boat]'),
  invented('Clock', 'zone', 'tells the time of day', 'Clock[now]'),
  invented('Mail', 'message', 'sends a message', 'Mail[meet at noon]'),
  invented('Convert', 'amount', 'converts units of measure', 'Convert[3 miles in metres]'),
  invented('Play', 'song', 'plays a song', 'Play[evening song]'),
  invented('Plot', 'numbers', 'draws a curve through numbers', 'Plot[1, 4, 9]'),
];

const tasks: readonly { readonly texts: readonly string[]; readonly tools: readonly string[] }[] = [
  { texts: descriptions, tools: ['Retrieve', 'Search', 'Lookup'] },
  { texts: ['You work out sums with numbers.', 'You solve word problems in arithmetic.', 'You add up the bills of a shop.'], tools: ['Calculator', 'Convert', 'Plot'] },
  { texts: ['You plan walks and say what the weather will be.', 'You tell travellers when to leave.'], tools: ['Weather', 'Clock', 'Mail'] },
  { texts: ['You write letters in other languages.', 'You help people who speak different languages.'], tools: ['Translate', 'Mail', 'Search'] },
];

const library = [...lookupTools, ...otherTools];

/** A tool selection prompt and a list that mostly fits it. */
export function writeToolSelection(prompts: ReadonlyMap<string, PromptTemplate>, rates: Rates, random: Random): CorpusLine & { readonly faulty: boolean } {
  const task = chance(random, 0.6) ? known(tasks[0]) : random.pick(tasks);
  const fitting = library.filter((tool) => task.tools.includes(tool.name));
  const rest = library.filter((tool) => !task.tools.includes(tool.name));
  const plain = task === tasks[0] && chance(random, 0.4);
  const offered = plain ? lookupTools : random.shuffle([...fitting, ...random.sample(rest, 1 + random.int(4))]);
  const count = plain || chance(random, 0.7) ? 3 : 2 + random.int(2);
  const faulty = chance(random, rates.faultySelection);
  const chosen = task.tools.slice(0, count);
  if (faulty) chosen[random.int(chosen.length)] = random.pick([...offered.map((tool) => tool.name), 'Answer', known(chosen[0])]);
  const prompt = renderPrompt(promptNamed({ prompts }, 'tool-selection'), {
    description: random.pick(task.texts), tools: renderLibrary(offered), count: String(count),
  });
  return { text: `${prompt}\n${chosen.map((name, i) => `${i + 1}. ${name}\n`).join('')}`, kind: 'toolSelect', lossFrom: prompt.length, faulty };
}
