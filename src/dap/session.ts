import {
  ContinuedEvent,
  Event,
  Handles,
  InitializedEvent,
  InvalidatedEvent,
  OutputEvent,
  TerminatedEvent,
  ThreadEvent,
} from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { anyTrajectory, LaunchArguments } from '../core/debug/launch.ts';
import { callText } from '../core/debug/path.ts';
import { Player } from '../core/debug/player.ts';
import type { DebugTarget } from '../core/debug/target.ts';
import { visibleLine } from '../core/trajectory/visible.ts';
import { AskProgress } from './askProgress.ts';
import { Breakpoints } from './breakpoints.ts';
import { PlanConsole } from './console.ts';
import { sessionEvents, stoppedEvent, tellEnd, tellTrouble } from './events.ts';
import { InspectionSession, type FrameOf } from './inspection.ts';
import type { Container } from './variables.ts';
import type { OpenedTargets, SessionPorts } from './ports.ts';
import { PlanThread, type Motion, type Stop } from './planThread.ts';
import { resample, resampleStep } from './resample.ts';

/** The protocol's side of debugging plans. Requests become motions of {@link PlanThread}s; see ARCHITECTURE.md. */
export class PlanDebugSession extends InspectionSession {
  readonly #ports: SessionPorts;
  readonly #consoles = new Map<number, PlanConsole>();
  readonly #gotoTargets = new Handles<{ readonly thread: PlanThread; readonly position: number }>();
  readonly #opening = new AbortController();
  readonly #asks = new AskProgress((event) => this.sendEvent(event));
  #opened: OpenedTargets | undefined;
  #configured: () => void = () => undefined;
  #noDebug = false;

  constructor(ports: SessionPorts) {
    super();
    this.#ports = ports;
  }

  protected override launchRequest(
    response: DebugProtocol.LaunchResponse,
    args: DebugProtocol.LaunchRequestArguments,
  ): void {
    const configured = new Promise<void>((resolve) => (this.#configured = resolve));
    this.attempt(response, async () => {
      const parsed = LaunchArguments.safeParse(args);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        throw new Error(
          `The launch configuration is not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}.`,
        );
      }
      const launch = parsed.data;
      this.#noDebug = launch.noDebug ?? false;
      if (launch.budget !== undefined) this.breakpoints.budget = launch.budget;
      this.#opened = await this.#ports.open(launch, this.#opening.signal);
      for (const target of this.#opened.targets) this.#add(target, launch);
      // Breakpoints can be placed now: the traces are known.
      this.sendEvent(new InitializedEvent());
      await configured;
      this.sendResponse(response);
      for (const thread of this.threads.values()) {
        this.sendEvent(new ThreadEvent('started', thread.id));
        if (launch.resample !== undefined && !this.#noDebug) {
          this.#stopped(thread, await resampleStep(thread, launch.resample).catch(() => thread.stop));
          continue;
        }
        const { player } = thread;
        // The first question counts too, for breakpoints on agents.
        const cause = this.breakpoints.at(player, player.site, player.passed, 'forwards', (text) => this.#say(text));
        if (launch.stopOnEntry && !this.#noDebug) this.#stopped(thread);
        else if (cause !== undefined && !this.#noDebug) this.#stopped(thread, cause);
        else this.#go(thread, 'continue');
      }
    });
  }

  protected override configurationDoneRequest(response: DebugProtocol.ConfigurationDoneResponse): void {
    this.sendResponse(response);
    this.#configured();
  }

  protected override disconnectRequest(response: DebugProtocol.DisconnectResponse): void {
    void this.#close().finally(() => {
      this.sendResponse(response);
    });
  }

  protected override terminateRequest(response: DebugProtocol.TerminateResponse): void {
    this.sendResponse(response);
    for (const thread of this.threads.values()) thread.pause();
    this.sendEvent(new TerminatedEvent());
  }

  protected override setVariableRequest(
    response: DebugProtocol.SetVariableResponse,
    args: DebugProtocol.SetVariableArguments,
  ): void {
    this.attempt(response, async () => {
      const found = this.containers.get(args.variablesReference) as
        { thread: PlanThread; container: Container } | undefined;
      if (found?.container.set === undefined)
        throw new Error(
          'This is what was asked or measured, and cannot be edited. Edit what the step has said, under Step.',
        );
      const { thread, container } = found;
      this.#mustStand(thread);
      const before = thread.player.fork?.record.id;
      let failed: unknown;
      const stop = await thread.work(async (signal) => {
        try {
          await container.set?.(args.name, args.value, signal);
          return { reason: 'step' };
        } catch (error) {
          failed = error;
          throw error;
        }
      });
      this.#traceChanged(thread);
      // The fork is there, and the plan waits where no answer was found: that is a stop, and no failure of the edit.
      const forked =
        thread.player.fork?.record.id !== before || thread.player.fork?.record.edits.at(-1)?.after === args.value;
      if (failed !== undefined && !forked) {
        this.sendEvent(new InvalidatedEvent(['stacks', 'variables'], thread.id));
        throw failed instanceof Error ? failed : new Error('The change could not be made.');
      }
      const shown = container.list(() => 0).find(({ name }) => name === args.name)?.value;
      response.body = { value: shown ?? args.value };
      this.sendResponse(response);
      if (failed === undefined) this.sendEvent(new InvalidatedEvent(['stacks', 'variables'], thread.id));
      else this.#stopped(thread, stop);
    });
  }

  protected override continueRequest(
    response: DebugProtocol.ContinueResponse,
    args: DebugProtocol.ContinueArguments,
  ): void {
    response.body = { allThreadsContinued: false };
    this.#motion(response, args.threadId, 'continue');
  }

  protected override nextRequest(response: DebugProtocol.NextResponse, args: DebugProtocol.NextArguments): void {
    this.#motion(response, args.threadId, 'next');
  }

  protected override stepInRequest(response: DebugProtocol.StepInResponse, args: DebugProtocol.StepInArguments): void {
    this.#motion(response, args.threadId, 'stepIn');
  }

  protected override stepOutRequest(
    response: DebugProtocol.StepOutResponse,
    args: DebugProtocol.StepOutArguments,
  ): void {
    this.#motion(response, args.threadId, 'stepOut');
  }

  protected override stepBackRequest(
    response: DebugProtocol.StepBackResponse,
    args: DebugProtocol.StepBackArguments,
  ): void {
    this.#jump(response, args.threadId, (thread) => thread.stepBack());
  }

  protected override reverseContinueRequest(
    response: DebugProtocol.ReverseContinueResponse,
    args: DebugProtocol.ReverseContinueArguments,
  ): void {
    this.#jump(response, args.threadId, (thread) => thread.backwards(this.breakpoints));
  }

  protected override gotoTargetsRequest(
    response: DebugProtocol.GotoTargetsResponse,
    args: DebugProtocol.GotoTargetsArguments,
  ): void {
    const thread = this.threadShowing(args.source);
    const found = thread?.target(this.convertClientLineToDebugger(args.line));
    const targets =
      thread === undefined || found === undefined
        ? []
        : [{ id: this.#gotoTargets.create({ thread, position: found.position }), label: found.label, line: args.line }];
    response.body = { targets };
    this.sendResponse(response);
  }

  protected override gotoRequest(response: DebugProtocol.GotoResponse, args: DebugProtocol.GotoArguments): void {
    const target = this.#gotoTargets.get(args.targetId) as { thread: PlanThread; position: number } | undefined;
    this.#jump(response, args.threadId, (thread) => {
      if (target?.thread !== thread) throw new Error('A plan can only go back to a line that it has passed.');
      return thread.goTo(target.position);
    });
  }

  protected override restartFrameRequest(
    response: DebugProtocol.RestartFrameResponse,
    args: DebugProtocol.RestartFrameArguments,
  ): void {
    this.attempt(response, async () => {
      const frame = this.frames.get(args.frameId) as FrameOf | undefined;
      if (frame === undefined) throw new Error('This frame is gone.');
      const { thread, kind } = frame;
      this.#mustStand(thread);
      if (kind === 'question') {
        this.sendResponse(response);
        this.#stopped(thread, thread.goTo(0));
        return;
      }
      const stop = await resample(thread, kind === 'call' ? 'call' : 'step');
      this.sendResponse(response);
      this.#stopped(thread, stop);
    });
  }

  protected override pauseRequest(response: DebugProtocol.PauseResponse, args: DebugProtocol.PauseArguments): void {
    this.threads.get(args.threadId)?.pause();
    this.sendResponse(response);
  }

  protected override cancelRequest(response: DebugProtocol.CancelResponse, args: DebugProtocol.CancelArguments): void {
    if (args.progressId !== undefined) this.#asks.cancel(args.progressId);
    this.sendResponse(response);
  }

  protected override evaluateRequest(
    response: DebugProtocol.EvaluateResponse,
    args: DebugProtocol.EvaluateArguments,
  ): void {
    this.attempt(response, async () => {
      const frame = args.frameId === undefined ? undefined : this.frames.get(args.frameId);
      const thread = frame?.thread ?? [...this.threads.values()][0];
      const at = thread === undefined ? undefined : this.#consoles.get(thread.id);
      if (thread === undefined || at === undefined) throw new Error('No plan is being debugged.');
      if (args.context === 'repl') {
        response.body = { result: await at.enter(args.expression, this.#opening.signal), variablesReference: 0 };
      } else {
        const value = at.look(args.expression);
        response.body = {
          result: value === null ? 'not known here' : visibleLine(String(value)),
          variablesReference: 0,
        };
      }
      this.sendResponse(response);
    });
  }

  #add(target: DebugTarget, launch: LaunchArguments): void {
    const id = this.threads.size + 1;
    const shown = launch.documents[target.key] ?? launch.documents[anyTrajectory];
    const player = new Player(target, {
      mode: launch.mode,
      now: () => this.#ports.now(),
      hash: (text) => this.#ports.hash(text),
      onAsk: (request) =>
        this.reportsProgress
          ? this.#asks.begin(this.threads.get(id), `AutoAct: asking ${callText(request)}`)
          : () => undefined,
    });
    const thread = new PlanThread(id, player, shown?.spans, () => this.#ports.breathe());
    this.threads.set(id, thread);
    this.#consoles.set(id, new PlanConsole(thread));
    this.sources.addTrace(thread, shown?.uri);
    if (target.recordingOnly !== undefined)
      this.sendEvent(
        new OutputEvent(`Only the recording is replayed: ${visibleLine(target.recordingOnly)}\n`, 'console'),
      );
  }

  #motion(response: DebugProtocol.Response, threadId: number, motion: Motion): void {
    this.attempt(response, () => {
      const thread = this.threads.get(threadId);
      if (thread === undefined) throw new Error('This plan is not being debugged any more.');
      this.#mustStand(thread);
      this.sendResponse(response);
      this.#go(thread, motion);
    });
  }

  #jump(response: DebugProtocol.Response, threadId: number, jump: (thread: PlanThread) => Stop): void {
    this.attempt(response, () => {
      const thread = this.threads.get(threadId);
      if (thread === undefined) throw new Error('This plan is not being debugged any more.');
      this.#mustStand(thread);
      const stop = jump(thread);
      this.sendResponse(response);
      this.#stopped(thread, stop);
    });
  }

  #mustStand(thread: PlanThread): void {
    if (thread.isMoving) throw new Error('The plan is moving; pause it first.');
  }

  #go(thread: PlanThread, motion: Motion): void {
    if (thread.player.site.phase === 'end') {
      this.#exited(thread);
      return;
    }
    void thread
      .forwards(motion, this.#noDebug ? new Breakpoints() : this.breakpoints, (text) => this.#say(text))
      .then((stop) => {
        if (stop.reason === 'end' || thread.player.site.phase === 'end')
          tellEnd((event) => this.sendEvent(event), thread, this.sources.documentOf(thread));
        else if (this.#noDebug) tellTrouble((event) => this.sendEvent(event), thread, stop);
        if (this.#noDebug) this.#exited(thread);
        else this.#stopped(thread, stop);
      });
  }

  #say(text: string): void {
    this.sendEvent(new OutputEvent(`${visibleLine(text)}\n`, 'console'));
  }

  #stopped(thread: PlanThread, stop: Stop = thread.stop): void {
    thread.stop = stop;
    this.#traceChanged(thread);
    this.sendEvent(stoppedEvent(thread, stop));
  }

  #traceChanged(thread: PlanThread): void {
    const document = thread.player.fork?.document;
    if (document !== undefined) this.sendEvent(new Event(sessionEvents.trace, { threadId: thread.id, document }));
  }

  #exited(thread: PlanThread): void {
    if (!thread.ended) this.sendEvent(new ContinuedEvent(thread.id, false));
    thread.ended = true;
    this.sendEvent(new ThreadEvent('exited', thread.id));
    if ([...this.threads.values()].every(({ ended }) => ended)) this.sendEvent(new TerminatedEvent());
  }

  /** Ends everything that the session has opened. */
  override async dispose(): Promise<void> {
    await this.#close();
  }

  async #close(): Promise<void> {
    this.#opening.abort();
    for (const thread of this.threads.values()) {
      thread.pause();
      thread.player.close();
    }
    await this.#opened?.close();
    this.#opened = undefined;
  }
}
