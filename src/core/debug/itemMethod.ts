import type { AgentContext } from '../methods/agentPrompt.ts';
import { groupPlan } from '../methods/groupPlan.ts';
import { adapterFor, systemTable, type System } from '../methods/systems.ts';
import { zeroShotPlan } from '../methods/zeroShotPlan.ts';
import { planningOptions, targetOf } from '../pipeline/context.ts';
import type { Mode } from '../pipeline/mode.ts';
import type { Settings } from '../pipeline/settings.ts';
import type { ModelTarget } from '../ports/models.ts';
import { requestIdentity, type LogEntry } from '../run/log.ts';
import type { Method, Request } from '../run/request.ts';
import { Stepper } from '../run/stepper.ts';
import { questionText, type PublicQuestion } from '../task/question.ts';
import { answerTo, indexOf } from './path.ts';
import { Tape } from './tape.ts';
import { isRequestList } from '../run/runner.ts';

/** What a run's items are started with. Questions come without their gold. */
export interface ItemParts {
  readonly settings: Settings;
  readonly mode: Mode;
  readonly agent: AgentContext;
  question(id: string): Pick<PublicQuestion, 'question' | 'choices'> | undefined;
  instance(id: string): Pick<PublicQuestion, 'question' | 'choices'> | undefined;
  /** Model name of a trained adapter. */
  adapter(name: string): string | undefined;
}

export interface ItemMethod {
  readonly question: string;
  start(): Method<unknown>;
  /** Which model answers for a role. */
  target(role: string): ModelTarget;
}

export interface EvaluationKey {
  readonly system: System;
  readonly question: string;
  readonly sample: number;
}

/** `evaluation/<system>/<question>/<sample>`; a question's id may hold slashes. */
export function parseEvaluationKey(key: string): EvaluationKey | undefined {
  const found = /^evaluation\/([^/]+)\/(.+)\/(\d+)$/.exec(key);
  const [, system = '', question = '', sample = ''] = found ?? [];
  return found === null || !Object.hasOwn(systemTable, system)
    ? undefined
    : { system: systemTable[system as keyof typeof systemTable], question, sample: Number(sample) };
}

/** The method of an item by its key, as the pipeline starts it; undefined for items that are no plans. */
export function itemMethod(key: string, parts: ItemParts): ItemMethod | undefined {
  const { settings, agent } = parts;
  const evaluated = parseEvaluationKey(key);
  if (evaluated !== undefined) {
    const { system } = evaluated;
    const asked = parts.question(evaluated.question);
    if (asked === undefined) return undefined;
    const question = questionText(asked);
    const options = planningOptions(parts, 'planning', system.reflects ? settings.planning.maxReflections : 0);
    return {
      question,
      start: () => groupPlan({ key, question, context: agent, options }),
      target: (role) => {
        const adapter = adapterFor(system, role);
        const target = targetOf(settings, role);
        const model = adapter === undefined ? undefined : parts.adapter(adapter);
        return model === undefined ? target : { server: target.server, model };
      },
    };
  }
  const [, instance] = /^synthesis\/([^/]+)\/\d+$/.exec(key) ?? [];
  const asked = instance === undefined ? undefined : parts.instance(instance);
  if (asked === undefined) return undefined;
  const question = questionText(asked);
  const options = planningOptions(parts, 'synthesis', settings.planning.maxReflections);
  return {
    question,
    start: () => zeroShotPlan({ key, question, context: agent, options }),
    target: () => targetOf(settings, 'meta'),
  };
}

/** Whether a method asks what a log says was asked; it does not when prompts, tools or settings have changed. */
export function fitsLog(
  start: () => Method<unknown>,
  entries: readonly LogEntry[],
  hash: (text: string) => string,
): boolean {
  const tape = new Tape(entries);
  const hashes = new Map(entries.flatMap((entry) => ('i' in entry ? [[entry.i, entry.hash] as const] : [])));
  const last = Math.max(-1, ...[...hashes.keys()].map((i) => Number.parseInt(i, 10)));
  const stepper = new Stepper(start);
  try {
    let pending: Request | readonly Request[] | undefined;
    while ((pending = stepper.pending) !== undefined) {
      const list = isRequestList(pending);
      const requests = isRequestList(pending) ? pending : [pending];
      const parts = requests.map((request, part) => ({ i: indexOf(stepper.position, list, part), request }));
      // The recording ends here; up to here it fits.
      if (stepper.position > last) return true;
      if (parts.some(({ i, request }) => hashes.get(i) !== hash(requestIdentity(request)))) return false;
      const answers = parts.map(({ i, request }) => {
        const take = tape.get(i);
        return answerTo({ i, request, ...(take === undefined ? {} : { take }) });
      });
      stepper.answer(list ? answers : (answers[0] ?? { kind: 'noted' }));
    }
    return stepper.position > last;
  } catch {
    return false;
  } finally {
    stepper.close();
  }
}
