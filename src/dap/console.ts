import type { CompletionRequest, ToolRequest } from '../core/run/request.ts';
import { samplingSeed } from '../core/run/random.ts';
import { DebugError } from '../core/debug/debugError.ts';
import { visible } from '../core/trajectory/visible.ts';
import { parseExpression, type Value } from './expression.ts';
import { factNames, factsAt } from './facts.ts';
import type { PlanThread } from './planThread.ts';

const help = [
  'An expression: step, tool, argument, thought, observation, tokens, reward, … with ==, <, &&, contains(thought, "x").',
  'tool Retrieve[Mira Torvel]   calls a tool; the plan goes on untouched',
  'ask plan: Who was born there?   asks an agent’s model; the plan goes on untouched',
  'cost   what this session has asked for so far',
].join('\n');

/** The debug console of a thread. Whatever costs is told first, and done when it is entered once more. */
export class PlanConsole {
  readonly #thread: PlanThread;
  #announced = '';
  #asked = 0;

  constructor(thread: PlanThread) {
    this.#thread = thread;
  }

  /** Looks at the place; asks nobody. @throws ExpressionError */
  look(text: string): Value {
    return parseExpression(text, factNames).evaluate(factsAt(this.#thread.player));
  }

  async enter(text: string, signal: AbortSignal): Promise<string> {
    const line = text.trim();
    const { player } = this.#thread;
    if (line === 'help' || line === '?') return help;
    if (line === 'cost') {
      const { calls, promptTokens, completionTokens } = player.spent;
      return `${calls} model calls, ${promptTokens} prompt and ${completionTokens} completion tokens were asked for in this session. Recorded answers cost nothing.`;
    }
    const tool = /^tool\s+([\w.-]+)\[([\s\S]*)\]$/.exec(line);
    if (tool !== null) return this.#call(line, tool[1] ?? '', tool[2] ?? '', signal);
    const ask = /^ask\s+([\w.-]+)\s*:\s*([\s\S]+)$/.exec(line);
    if (ask !== null) return this.#ask(line, ask[1] ?? '', ask[2] ?? '', signal);
    const value = this.look(line);
    return value === null ? 'not known here' : visible(String(value));
  }

  async #call(line: string, name: string, argument: string, signal: AbortSignal): Promise<string> {
    const drivers = this.#live();
    if (!this.#confirmed(line))
      return `This calls the tool ${name} of the run, which may reach a service outside. Enter it once more to do it.`;
    const request: ToolRequest = { kind: 'tool', tool: name, argument, state: {} };
    const answer = await drivers.call(request, signal);
    return `(${answer.outcome}) ${visible(answer.text)}`;
  }

  async #ask(line: string, role: string, question: string, signal: AbortSignal): Promise<string> {
    const drivers = this.#live();
    const { player } = this.#thread;
    const pattern = lastCompletion(this.#thread, role);
    const prompt = pattern === undefined ? question : `${pattern.prompt}\n\n${question}\n`;
    if (!this.#confirmed(line)) {
      const who = player.target.describeAsked?.(role) ?? role;
      // Four characters a token is close enough for a decision.
      return `This asks ${who}: about ${Math.ceil(prompt.length / 4)} prompt tokens and at most ${pattern?.maxTokens ?? 256} more. Enter it once more to send it.`;
    }
    const seed = samplingSeed(0, player.target.key, `console ${++this.#asked}`);
    const request: CompletionRequest = {
      kind: 'complete',
      role,
      purpose: 'console',
      prompt,
      stop: [],
      maxTokens: pattern?.maxTokens ?? 256,
      sampling: { temperature: 0, topP: 1, topK: 0, ...pattern?.sampling, seed },
    };
    const answer = await drivers.complete(request, signal, player.target.key);
    return `${visible(answer.text.trim())}\n(${answer.usage.promptTokens} + ${answer.usage.completionTokens} tokens)`;
  }

  #live(): NonNullable<PlanThread['player']['target']['drivers']> {
    const { mode, target } = this.#thread.player;
    if (mode !== 'live' || target.drivers === undefined)
      throw new DebugError('live-only', 'Only a session with "mode": "live" can ask models and tools.');
    return target.drivers;
  }

  #confirmed(line: string): boolean {
    const again = this.#announced === line;
    this.#announced = again ? '' : line;
    return again;
  }
}

/** What the role was asked last, so that it is asked in its own words and with its own limits. */
function lastCompletion({ player }: PlanThread, role: string): CompletionRequest | undefined {
  for (let at = player.passed.length - 1; at >= 0; at--)
    for (const { request } of player.passed[at]?.parts ?? [])
      if (request.kind === 'complete' && request.role === role) return request;
  return undefined;
}
