import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebugError } from '../core/debug/debugError.ts';
import type { EditableField } from '../core/debug/edit.ts';
import type { Part } from '../core/debug/path.ts';
import type { TraceNote } from '../core/run/request.ts';
import { agentTitle } from '../core/trajectory/traceText.ts';
import { visible } from '../core/trajectory/visible.ts';
import { callAt, notesBackwards, rewardOf, totalsOf } from './facts.ts';
import type { PlanThread } from './planThread.ts';

/** What can be looked into in the Variables view. */
export interface Container {
  readonly name: string;
  readonly expensive: boolean;
  readonly hint?: string;
  list(open: (container: Container) => number): DebugProtocol.Variable[];
  /** Changes a value; resolves when the plan stands where the new value holds. */
  set?(name: string, value: string, signal: AbortSignal): Promise<void>;
}

const readOnly: DebugProtocol.VariablePresentationHint = { attributes: ['readOnly'] };

function plain(name: string, value: string | number | undefined, type?: string): DebugProtocol.Variable {
  return {
    name,
    value: visible(String(value ?? '')),
    ...(type === undefined ? {} : { type }),
    variablesReference: 0,
    presentationHint: readOnly,
  };
}

/** Scopes of the place where a thread stands, the one that is edited first. */
export function scopesOf(thread: PlanThread): Container[] {
  return [
    stepScope(thread),
    promptScope(thread),
    agentScope(thread),
    historyScope(thread),
    rewardScope(thread),
    costScope(thread),
  ];
}

interface Field {
  readonly name: string;
  readonly value: string;
  readonly field?: EditableField;
  /** Where the note stands that says it. */
  readonly position?: number;
}

/** What the step has said so far; each part can be changed, which makes a fork. */
function stepScope(thread: PlanThread): Container {
  const { player } = thread;
  const fields = (): Field[] => {
    const all: Field[] = [];
    for (const { position, site } of thread.notesOfStep())
      all.push(...fieldsOf(site.note).map((one) => ({ ...one, position })));
    const { site } = player;
    const call = callAt(site);
    if (call !== undefined) {
      const text = call.take?.answer.text;
      all.push({ name: 'answer', value: text ?? '', field: 'answer' });
    }
    // A method may say a thing twice in a step: the later one gets a number.
    const seen = new Map<string, number>();
    return all.map((one) => {
      const count = (seen.get(one.name) ?? 0) + 1;
      seen.set(one.name, count);
      return count === 1 ? one : { ...one, name: `${one.name} ${count}` };
    });
  };
  return {
    name: 'Step',
    expensive: false,
    hint: 'locals',
    list: () =>
      fields().map(({ name, value, field }) => ({
        name,
        value: visible(value),
        type: 'text',
        variablesReference: 0,
        evaluateName: name,
        ...(field === undefined ? { presentationHint: readOnly } : {}),
      })),
    set: async (name, value, signal) => {
      const found = fields().find((one) => one.name === name);
      if (found?.field === undefined)
        throw new DebugError(
          'not-editable',
          `"${name}" cannot be edited. What a step has said can be: ${fields()
            .filter((one) => one.field !== undefined)
            .map((one) => one.name)
            .join(', ')}.`,
        );
      if (found.position !== undefined && found.position !== player.site.position) player.goTo(found.position);
      await player.edit(found.field, value, signal);
    },
  };
}

function fieldsOf(note: TraceNote): Field[] {
  if (note.kind === 'action' && note.tool !== undefined)
    return [
      { name: 'tool', value: note.tool, field: 'tool' },
      { name: 'argument', value: note.argument ?? '', field: 'argument' },
    ];
  return [{ name: note.kind === 'answer' ? 'given answer' : note.kind, value: note.text, field: 'text' }];
}

/** The question that waits, or else the last one that was asked. */
function callOf(thread: PlanThread): Part | undefined {
  const { player } = thread;
  const waiting = callAt(player.site);
  if (waiting !== undefined) return waiting;
  for (let at = player.passed.length - 1; at >= 0; at--) {
    const found = player.passed[at]?.parts.find(({ request }) => request.kind !== 'note');
    if (found !== undefined) return found;
  }
  return undefined;
}

function promptScope(thread: PlanThread): Container {
  return {
    name: 'Prompt',
    expensive: true,
    list: () => {
      const call = callOf(thread);
      if (call === undefined) return [];
      const { request, take } = call;
      if (request.kind === 'tool')
        return [
          plain('tool', request.tool),
          plain('argument', request.argument),
          plain('observation', take?.answer.text),
        ];
      if (request.kind === 'note') return [];
      return [
        plain('prompt', request.prompt),
        plain('stop', request.stop.map((text) => JSON.stringify(text)).join(' ')),
        plain('maxTokens', request.maxTokens),
        plain('completion', take?.answer.text ?? '(not asked yet)'),
      ];
    },
  };
}

function agentScope(thread: PlanThread): Container {
  return {
    name: 'Agent',
    expensive: false,
    list: () => {
      const { player } = thread;
      const call = callOf(thread);
      if (call === undefined) return [];
      const { request, take, fit } = call;
      const source = take === undefined ? 'nobody yet' : originText(take.origin, fit);
      if (request.kind === 'tool')
        return [
          plain('tool', request.tool),
          plain('answered by', source),
          ...(take === undefined ? [] : [plain('milliseconds', take.ms)]),
        ];
      if (request.kind === 'note') return [];
      const { sampling } = request;
      return [
        plain('agent', agentTitle(request.role)),
        plain('purpose', request.purpose),
        plain('model', take?.model ?? player.target.describeAsked?.(request.role) ?? 'not recorded'),
        plain('temperature', sampling.temperature),
        plain('topP', sampling.topP),
        plain('topK', sampling.topK),
        plain('seed', sampling.seed),
        plain('answered by', source),
        ...(take === undefined ? [] : [plain('milliseconds', take.ms)]),
      ];
    },
  };
}

function originText(origin: string, fit: Part['fit']): string {
  const of: Readonly<Record<string, string>> = {
    recorded: 'the recording',
    edited: 'the recording, edited',
    given: 'you',
    cached: 'an earlier call of this run',
    live: 'a live call',
    resampled: 'a live call with another seed',
  };
  const said = of[origin] ?? origin;
  return fit === undefined || fit === 'exact' ? said : `${said}, which was asked otherwise`;
}

function historyScope(thread: PlanThread): Container {
  return {
    name: 'History',
    expensive: false,
    list: (open) => {
      const now = thread.notesOfStep()[0]?.site.note.step;
      const steps = new Map<number, TraceNote[]>();
      for (const note of notesBackwards(thread.player.passed)) {
        if (note.step === now) continue;
        steps.set(note.step, [note, ...(steps.get(note.step) ?? [])]);
      }
      return [...steps]
        .sort(([a], [b]) => a - b)
        .map(([step, notes]) => {
          const action = notes.find(({ kind }) => kind === 'action');
          const value =
            action?.tool === undefined ? (notes[0]?.text ?? '') : `${action.tool}[${action.argument ?? ''}]`;
          const inner: Container = {
            name: `Step ${step}`,
            expensive: false,
            list: () =>
              notes.map((note) =>
                plain(note.kind, note.tool === undefined ? note.text : `${note.tool}[${note.argument ?? ''}]`),
              ),
          };
          return {
            name: `Step ${step}`,
            value: visible(value),
            variablesReference: open(inner),
            presentationHint: readOnly,
          };
        });
    },
  };
}

function rewardScope(thread: PlanThread): Container {
  return {
    name: 'Reward',
    expensive: false,
    list: () => {
      const { player } = thread;
      const { site } = player;
      const reached = site.phase === 'end' ? rewardOf(player, site.result) : undefined;
      return [
        plain('of the recording', player.target.reward ?? 'not known'),
        plain('here', site.phase === 'end' ? (reached ?? 'not known') : 'not before the end'),
      ];
    },
  };
}

function costScope(thread: PlanThread): Container {
  return {
    name: 'Cost',
    expensive: false,
    list: () => {
      const { player } = thread;
      const totals = totalsOf(player.passed);
      const { spent } = player;
      return [
        plain('calls', totals.calls),
        plain('promptTokens', totals.promptTokens),
        plain('completionTokens', totals.completionTokens),
        plain('milliseconds', Math.round(totals.ms)),
        plain(
          'asked in this session',
          `${spent.calls} model calls, ${spent.promptTokens} + ${spent.completionTokens} tokens`,
        ),
      ];
    },
  };
}
