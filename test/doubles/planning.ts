import { modes } from '../../src/core/pipeline/mode.ts';
import type { PlanningInput } from '../../src/core/methods/planning.ts';
import type {
  Answer,
  CompletionAnswer,
  CompletionRequest,
  Method,
  Request,
  ToolAnswer,
} from '../../src/core/run/request.ts';
import { lookupTools } from '../../src/core/tools/library.ts';
import { loadPrompts } from '../../src/node/store/prompts.ts';

export const prompts = loadPrompts('prompts');

export function planningInput(
  overrides: Partial<PlanningInput['options']> = {},
  question = 'Where was Mira Torvel born?',
): PlanningInput {
  const template = prompts.get('agent');
  if (template === undefined) throw new Error('prompts/agent.md is missing');
  return {
    key: 'evaluation/autoact/q1/0',
    question,
    context: {
      template,
      description: 'You answer questions.',
      tools: lookupTools.filter((t) => t.name !== 'Calculator'),
    },
    options: {
      mode: modes.fixed,
      maxSteps: 10,
      maxReflections: 1,
      maxPromptChars: 14_000,
      maxTokens: { thought: 256, action: 64 },
      sampling: { temperature: 0, topP: 1, topK: 0 },
      seed: 1,
      ...overrides,
    },
  };
}

export function completion(text: string, finish: 'stop' | 'length' = 'stop'): CompletionAnswer {
  return { kind: 'completion', text, finish, usage: { promptTokens: 10, completionTokens: 3 } };
}

export function observation(text: string, outcome: ToolAnswer['outcome'] = 'hit'): ToolAnswer {
  return { kind: 'observation', text, outcome, state: {} };
}

/** Drives a method with a function that answers; returns its result and all requests. */
export function drive<R>(method: Method<R>, answer: (request: Request) => Answer): { result: R; requests: Request[] } {
  const requests: Request[] = [];
  let turn = method.next();
  while (!turn.done) {
    const asked = turn.value;
    const list = Array.isArray(asked) ? (asked as readonly Request[]) : [asked as Request];
    requests.push(...list);
    const answers = list.map((r) => (r.kind === 'note' ? ({ kind: 'noted' } as const) : answer(r)));
    turn = method.next(Array.isArray(asked) ? answers : (answers[0] as Answer));
  }
  return { result: turn.value, requests };
}

/** Answers completions from a script by purpose, in order; tools always find something. */
export function scripted(lines: readonly string[]): (request: Request) => Answer {
  let at = 0;
  return (request) => {
    if (request.kind === 'tool') return observation(`${request.tool} found ${request.argument}.`);
    const line = lines[at++];
    if (line === undefined) throw new Error(`The script has ended at ${(request as CompletionRequest).purpose}.`);
    return completion(line);
  };
}
