import { Event, OutputEvent, StoppedEvent } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { visibleLine } from '../core/trajectory/visible.ts';
import { rewardOf } from './facts.ts';
import type { PlanThread, Stop } from './planThread.ts';

/** Events beyond the protocol, for the editor's side of the extension. */
export const sessionEvents = {
  /** The document of a thread has new lines: `{threadId, document}`. */
  trace: 'autoact.trace',
  /** A plan has ended: `{threadId, trajectory, document?, fork?, reward?, answer?, problem?}`. */
  ended: 'autoact.ended',
} as const;

type Send = (event: DebugProtocol.Event) => void;

/** Where a thread stands, with what the model said made harmless. */
export function stoppedEvent(thread: PlanThread, stop: Stop): DebugProtocol.StoppedEvent {
  const event: DebugProtocol.StoppedEvent = new StoppedEvent(stop.reason, thread.id);
  const text = stop.text === undefined ? undefined : visibleLine(stop.text);
  event.body = {
    reason: stop.reason,
    threadId: thread.id,
    allThreadsStopped: false,
    ...(stop.reason === 'end' ? { description: 'The plan has ended' } : {}),
    ...(text === undefined ? {} : { text, description: text }),
    ...('hitBreakpointIds' in stop ? { hitBreakpointIds: stop.hitBreakpointIds } : {}),
  };
  return event;
}

/** Says how a plan has ended, in the console and to the editor's side. */
export function tellEnd(send: Send, thread: PlanThread, document: string | undefined): void {
  const { player } = thread;
  if (player.site.phase !== 'end') return;
  const { fork, target } = player;
  const reward = rewardOf(player, player.site.result);
  const result = player.site.result as { answer?: unknown } | null | undefined;
  const said = typeof result?.answer === 'string' ? result.answer : undefined;
  const answer = said === undefined ? '' : `: ${visibleLine(said, 200)}`;
  const rated = reward === undefined ? '' : ` (reward ${reward})`;
  const kept = fork === undefined ? '' : ` It is kept as the fork ${visibleLine(fork.record.id)}.`;
  send(new OutputEvent(`The plan has ended${answer}${rated}.${kept}\n`, 'console'));
  send(
    new Event(sessionEvents.ended, {
      threadId: thread.id,
      trajectory: target.key,
      ...(document === undefined ? {} : { document }),
      ...(fork === undefined
        ? {}
        : {
            fork: {
              id: fork.record.id,
              edits: fork.record.edits,
              ...(fork.document === undefined ? {} : { document: fork.document }),
            },
          }),
      ...(reward === undefined ? {} : { reward }),
      ...(said === undefined ? {} : { answer: said }),
    }),
  );
}

/** A plan that was run without stops could not be finished: a server or a tool failed. */
export function tellTrouble(send: Send, { id, player }: PlanThread, { text = 'It was cancelled.' }: Stop): void {
  const body = { threadId: id, trajectory: player.target.key, problem: visibleLine(text) };
  send(new Event(sessionEvents.ended, body));
}
