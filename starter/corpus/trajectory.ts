import { agentHistory } from '../../src/core/methods/agentPrompt.ts';
import type { Random } from '../../src/core/run/random.ts';
import type { ToolState } from '../../src/core/run/request.ts';
import { finishTool, lookupTools, reflectTool } from '../../src/core/tools/library.ts';
import type { ToolDescription } from '../../src/core/tools/library.ts';
import { loopObservations, renderSteps } from '../../src/core/trajectory/transcript.ts';
import { chance, weighted } from '../../src/core/world/draw.ts';
import type { Entity } from '../../src/core/world/entities.ts';
import type { WorldQuestion } from '../../src/core/world/types.ts';
import { valueText } from '../../src/core/world/world.ts';
import type { CorpusLine, WorldContext } from './context.ts';
import { promptNamed } from './context.ts';
import { capital, needOf, planFor, stated } from './needs.ts';
import type { Need, Plan } from './needs.ts';
import { judgements, phrases } from './phrases.ts';
import { descriptions } from './rates.ts';
import type { Rates } from './rates.ts';
import { known } from '../../src/core/world/known.ts';

export interface Rollout {
  readonly line: CorpusLine;
  readonly author: 'careful' | 'careless';
  readonly right: boolean;
  readonly firstRight: boolean;
  readonly steps: number;
  readonly faults: readonly string[];
}

interface Answer {
  readonly thought: string;
  readonly text: string;
}

const maxSteps = 10;

/** Writes one question's trajectory by an author of the given faults. Observations are the tools' own. */
export function writeTrajectory(context: WorldContext, question: WorldQuestion, rates: Rates, random: Random): Rollout {
  const careless = chance(random, rates.careless);
  const writer = new Writer(context, question, rates, random, careless);
  writer.run();
  return {
    line: writer.line(),
    author: careless ? 'careless' : 'careful',
    right: writer.answers.at(-1) === question.answer,
    firstRight: writer.answers[0] === question.answer,
    steps: writer.steps,
    faults: writer.faults,
  };
}

class Writer {
  readonly answers: string[] = [];
  readonly faults: string[] = [];
  steps = 0;
  readonly #context: WorldContext;
  readonly #question: WorldQuestion;
  readonly #rates: Rates;
  readonly #random: Random;
  readonly #plan: Plan;
  readonly #tools: readonly ToolDescription[];
  readonly #head: string;
  readonly #mask: (readonly [number, number])[] = [];
  readonly #met = new Set<Need>();
  #careless: boolean;
  #text: string;
  #state: ToolState = {};
  /** Title of the page that Retrieve showed last. */
  #open = '';

  constructor(context: WorldContext, question: WorldQuestion, rates: Rates, random: Random, careless: boolean) {
    this.#context = context;
    this.#question = question;
    this.#rates = rates;
    this.#random = random;
    this.#careless = careless;
    this.#plan = planFor(context, question);
    const names = new Set(['Retrieve', 'Lookup', ...(chance(random, 0.85) ? ['Search'] : []), ...(chance(random, 0.15) ? ['Calculator'] : [])]);
    this.#tools = random.shuffle(lookupTools.filter((tool) => names.has(tool.name)));
    const description = chance(random, 0.4) ? known(descriptions[0]) : random.pick(descriptions);
    this.#head = agentHistory({ template: promptNamed(context, 'agent'), description, tools: this.#tools }, question.question, []);
    this.#text = this.#head;
  }

  line(): CorpusLine {
    return { text: this.#text, kind: 'trajectory', lossFrom: this.#head.length, mask: this.#mask };
  }

  run(): void {
    const answer = this.#gather(this.#plan.needs) ?? this.#conclude();
    if (this.steps >= maxSteps - 1) return;
    this.#finish(answer, loopObservations.answerGiven);
    if (this.#judge(answer.text)) return;
    // Whoever goes on after a rejection has learned to be careful.
    const unmet = this.#plan.needs.filter((need) => !this.#met.has(need));
    this.#careless = false;
    if (answer.text === this.#question.answer) {
      this.#finish({ thought: phrases.stuck(this.#random), text: answer.text }, loopObservations.answerTaken);
      return;
    }
    const second = this.#gather(unmet, true) ?? this.#conclude();
    if (this.steps < maxSteps) this.#finish(second, loopObservations.answerTaken);
  }

  /** Looks for what is missing. Returns an answer when the author believes to have one before everything is found. */
  #gather(needs: readonly Need[], afterRejection = false): Answer | undefined {
    for (const [i, need] of needs.entries()) {
      if (this.steps >= maxSteps - 2) return undefined;
      const thought = i === 0 ? (afterRejection ? phrases.again(this.#random, need) : this.#firstThought()) : this.#nextThought(known(needs[i - 1]), need);
      if (this.#open !== need.subject.title) {
        const guess = this.#openPage(need, thought);
        if (guess) return guess;
        if (need.detail && this.#careless && chance(this.#random, this.#rates.earlyFinish * 0.8)) {
          const taken = this.#leadGuess(need);
          if (taken) return taken;
        }
        if (need.detail) this.#lookUp(need, phrases.detail(this.#random, need));
      } else if (need.detail) {
        this.#lookUp(need, i === 0 && !afterRejection ? phrases.detail(this.#random, need) : thought);
      }
      this.#met.add(need);
      const last = need === this.#plan.needs.at(-1);
      if (!last && this.#careless && chance(this.#random, this.#rates.earlyFinish)) return this.#earlyAnswer(need);
    }
    return undefined;
  }

  #firstThought(): string {
    const inCarelessWay = chance(this.#random, this.#rates.styleLeak) ? !this.#careless : this.#careless;
    return inCarelessWay ? phrases.careless(this.#random, this.#plan) : phrases.careful(this.#random, this.#plan);
  }

  #nextThought(before: Need, need: Need): string {
    return this.#careless && chance(this.#random, 0.5) ? phrases.nextHasty(this.#random, need) : phrases.next(this.#random, before, need);
  }

  /** Brings the page of a need on the screen, by way of whatever faults the author makes. */
  #openPage(need: Need, firstThought: string): Answer | undefined {
    let thought = firstThought;
    const { subject } = need;
    const fault = (rate: number): boolean => chance(this.#random, this.#careless ? rate : rate > 0 ? this.#rates.carefulFault / 3 : 0);
    if (fault(this.#rates.malformed)) {
      if (this.#malformed(thought, subject)) return undefined;
    } else if (fault(this.#rates.wrongTool)) {
      this.faults.push('wrong tool');
      if (this.#has('Search') && chance(this.#random, 0.6)) this.#act(thought, 'Search', subject.name);
      else this.#act(thought, 'Lookup', chance(this.#random, 0.5) ? subject.name : need.relation.keyword);
      thought = phrases.recover(this.#random, need);
    } else if (fault(this.#rates.wrongArgument)) {
      const guess = this.#wrongPage(need, thought);
      if (guess) return guess;
      thought = phrases.recover(this.#random, need);
    } else if (this.#has('Search') && chance(this.#random, 0.07)) {
      this.#act(thought, 'Search', subject.name);
      thought = phrases.opened(this.#random, need);
      this.#act(thought, 'Retrieve', subject.title);
      this.#open = subject.title;
      return undefined;
    }
    this.#act(thought, 'Retrieve', subject.name);
    if (subject.title !== subject.name) this.#act(phrases.ambiguous(this.#random, need), 'Retrieve', subject.title);
    this.#open = subject.title;
    return undefined;
  }

  /** An action line that cannot be read, or only with leniency. True when the page came up all the same. */
  #malformed(thought: string, subject: Entity): boolean {
    this.faults.push('malformed');
    const form = weighted(this.#random, [['bracket', 3], ['prose', 3], ['unknown', 3], ['asked again', 1]] as const);
    if (form === 'bracket' && subject.title === subject.name) {
      // The loop takes an argument without its bracket to the end of the line (methods 1.3, rule 4).
      const found = this.#context.encyclopedia.retrieve(subject.name, this.#state);
      this.#state = found.state;
      this.#raw(`Thought: ${thought}\nAction: Retrieve[${subject.name}\n`, found.text);
      this.#open = subject.title;
      return true;
    }
    const legal = [...this.#tools, finishTool, reflectTool].map((tool) => `${tool.name}[${tool.argument}]`);
    if (form === 'asked again') {
      const found = this.#context.encyclopedia.retrieve(subject.name, this.#state);
      this.#state = found.state;
      this.#raw(`Thought: ${thought}\n(Choose one of ${legal.slice(0, -1).join(', ')}.)\nAction: Retrieve[${subject.name}]\n`, found.text);
      if (subject.title === subject.name) {
        this.#open = subject.title;
        return true;
      }
      return false;
    }
    const action = form === 'unknown' ? `${this.#random.pick(['Open', 'Read', 'Ask', 'Find', 'Visit'])}[${subject.name}]` : this.#random.pick(['I should look', 'look it up', 'I open the page', subject.name]);
    this.#raw(`Thought: ${thought}\nAction: ${action}\n`, loopObservations.invalid(legal));
    return false;
  }

  #wrongPage(need: Need, thought: string): Answer | undefined {
    this.faults.push('wrong argument');
    const { subject } = need;
    if (chance(this.#random, 0.4)) {
      this.#act(thought, 'Retrieve', this.#random.pick([`${subject.noun} ${subject.name}`, `${subject.name} ${need.relation.noun}`, `the ${subject.name}`, known(subject.name.split(' ').at(-1))]));
      return undefined;
    }
    const others = this.#plan.needs.map((one) => one.subject).filter((one) => one !== subject);
    const other = others.length > 0 && chance(this.#random, 0.4) ? this.#random.pick(others) : this.#random.pick(this.#context.world.cast[subject.sort]);
    if (other === subject) return undefined;
    this.#act(thought, 'Retrieve', other.name);
    if (other.title !== other.name) return undefined;
    this.#open = other.title;
    const same = this.#context.base.find(other, need.relation.name);
    if (!this.#careless || !same || same.paragraph > 0 || !chance(this.#random, 0.4)) return undefined;
    this.faults.push('answer from a wrong page');
    const read = needOf(this.#context, same);
    return { thought: phrases.found(this.#random, stated(read), read.value), text: read.value };
  }

  #lookUp(need: Need, firstThought: string): void {
    let thought = firstThought;
    for (let tries = 0; tries < 4 && this.steps < maxSteps - 2; tries++) {
      const text = this.#act(thought, 'Lookup', need.relation.keyword);
      if (text.endsWith(need.sentence)) return;
      thought = phrases.further(this.#random);
    }
  }

  /** Takes some value of the lead for the one that only Lookup would show. */
  #leadGuess(need: Need): Answer | undefined {
    const lead = this.#context.base.of(need.subject).filter((fact) => fact.paragraph === 0 && fact.relation !== 'occupation');
    if (lead.length === 0) return undefined;
    const number = /^[\d,]+$/.test(need.value);
    const alike = lead.filter((fact) => /^[\d,]+$/.test(valueText(fact.value)) === number);
    this.faults.push('early finish');
    const text = valueText(this.#random.pick(alike.length > 0 ? alike : lead).value);
    return { thought: phrases.guess(this.#random, text), text };
  }

  /** Another statement of the page, taken for the one that was asked for; undefined when the lead has no other. */
  #misread(need: Need): Answer | undefined {
    const others = this.#context.base.of(need.subject).filter((fact) => fact.paragraph === 0 && fact.relation !== need.relation.name && valueText(fact.value) !== this.#question.answer);
    if (others.length === 0) return undefined;
    this.faults.push('misread');
    const read = needOf(this.#context, this.#random.pick(others));
    return { thought: phrases.found(this.#random, stated(read), read.value), text: read.value };
  }

  /** What a careless author says after reading one of several values. */
  #earlyAnswer(read: Need): Answer {
    this.faults.push('early finish');
    const { how, needs } = this.#plan;
    const finding = stated(read);
    if (how === 'path') return { thought: phrases.found(this.#random, finding, read.value), text: read.value };
    const text =
      how === 'least' || how === 'greatest' ? this.#random.pick(needs).subject.name
      : how === 'count' ? String(this.#random.int(4))
      : how === 'both' ? this.#random.pick(read.value.split('; '))
      : this.#random.pick(['yes', 'no']);
    return { thought: phrases.found(this.#random, finding, text), text };
  }

  /** The answer from all that was found; a careless author may pick wrongly. */
  #conclude(): Answer {
    const { how, needs, target } = this.#plan;
    const gold = this.#question.answer;
    const last = known(needs.at(-1));
    const misread = how === 'path' && this.#careless && chance(this.#random, this.#rates.misread) ? this.#misread(last) : undefined;
    if (misread) return misread;
    if (how === 'path') return { thought: phrases.found(this.#random, stated(last), gold), text: gold };
    const wrong = chance(this.#random, this.#careless ? this.#rates.wrongPick : this.#rates.carefulFault);
    let text = gold;
    if (wrong) {
      this.faults.push('wrong pick');
      const choices =
        how === 'least' || how === 'greatest' ? needs.map((need) => need.subject.name)
        : how === 'count' ? ['0', '1', '2', '3']
        : how === 'both' ? known(needs[0]).value.split('; ')
        : ['yes', 'no'];
      text = this.#random.pick(choices.filter((choice) => choice !== gold).concat(choices.length < 2 ? gold : []));
    }
    const values = needs.map((need) => `${need.subject.name}: ${need.value}`).join(', ');
    const finding =
      how === 'count' ? `${values}. That makes ${text} in all for ${this.#context.entities.get(target)?.name ?? target}.`
      : how === 'both' ? `Both the works and the winners have ${text}.`
      : how === 'least' || how === 'greatest' ? `${values}. The ${how === 'least' ? 'smallest' : 'largest'} is that of ${text}.`
      : how === 'same' ? `${values}. That is ${text === 'yes' ? 'the same' : 'not the same'}.`
      : `${values}. The first is ${text === 'yes' ? '' : 'not '}the ${how === 'check least' ? 'smaller' : 'larger'}.`;
    return { thought: phrases.found(this.#random, capital(finding), text), text };
  }

  /** The reflection; true when it ends the run. */
  #judge(answer: string): boolean {
    const right = answer === this.#question.answer;
    const looks = chance(this.#random, this.#rates.carefulJudge);
    const saysRight = looks ? chance(this.#random, this.#rates.carefulVerdict) === right : chance(this.#random, this.#rates.overConfident);
    if (saysRight !== right) this.faults.push(saysRight ? 'over-confident' : 'doubtful');
    const missing = this.#plan.needs.find((need) => !this.#met.has(need));
    const thought = looks
      ? saysRight
        ? right ? judgements.right(this.#random, this.#plan, answer) : judgements.wronglyRight(this.#random, this.#plan, answer)
        : right ? judgements.doubt(this.#random) : judgements.wrong(this.#random, missing)
      : saysRight ? judgements.sure(this.#random, answer) : judgements.doubt(this.#random);
    this.#step(thought, 'Reflect', saysRight ? 'right' : 'wrong', saysRight ? loopObservations.judgedRight : loopObservations.judgedWrong);
    return saysRight;
  }

  #finish(answer: Answer, observation: string): void {
    this.answers.push(answer.text);
    this.#step(answer.thought, 'Finish', answer.text, observation);
  }

  #has(tool: string): boolean {
    return this.#tools.some((one) => one.name === tool);
  }

  /** Calls a tool and writes the step. */
  #act(thought: string, tool: 'Retrieve' | 'Lookup' | 'Search', argument: string): string {
    const { encyclopedia } = this.#context;
    const found = tool === 'Retrieve' ? encyclopedia.retrieve(argument, this.#state) : tool === 'Lookup' ? encyclopedia.lookup(argument, this.#state) : encyclopedia.search(argument, this.#state);
    this.#state = found.state;
    if (tool === 'Search' && found.outcome === 'hit') this.#open = '';
    this.#step(thought, tool, argument, found.text);
    return found.text;
  }

  #step(thought: string, tool: string, argument: string, observation: string): void {
    this.#append(renderSteps([{ thought, action: { tool, argument }, observation }]));
  }

  /** A step whose action line is not of the form that the renderer writes. */
  #raw(beginning: string, observation: string): void {
    this.#append(`${beginning}Observation: ${observation}\n`);
  }

  #append(step: string): void {
    this.steps++;
    const start = this.#text.length;
    this.#text += step;
    this.#mask.push([start + step.indexOf('\nObservation: ') + 1, this.#text.length]);
  }
}
