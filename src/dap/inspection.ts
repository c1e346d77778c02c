import { DebugSession, ErrorDestination, Handles } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { callText } from '../core/debug/path.ts';
import type { DebugTarget } from '../core/debug/target.ts';
import { agentTitle } from '../core/trajectory/traceText.ts';
import { visibleLine } from '../core/trajectory/visible.ts';
import { Breakpoints, exceptionFilters } from './breakpoints.ts';
import { callAt, stepAt } from './facts.ts';
import type { PlanThread } from './planThread.ts';
import { Sources } from './sources.ts';
import { lineNow } from './traceMap.ts';
import { scopesOf, type Container } from './variables.ts';

export interface FrameOf {
  readonly thread: PlanThread;
  readonly kind: 'call' | 'agent' | 'step' | 'question';
}

/** The half of a session that looks: breakpoints, stacks, scopes and texts. Nothing here moves a plan. */
export class InspectionSession extends DebugSession {
  protected readonly breakpoints = new Breakpoints();
  protected readonly threads = new Map<number, PlanThread>();
  protected readonly frames = new Handles<FrameOf>();
  protected readonly containers = new Handles<{ readonly thread: PlanThread; readonly container: Container }>();
  protected readonly sources = new Sources();
  protected reportsProgress = false;

  constructor() {
    super();
    this.setDebuggerLinesStartAt1(false);
    this.setDebuggerColumnsStartAt1(false);
  }

  protected override initializeRequest(
    response: DebugProtocol.InitializeResponse,
    args: DebugProtocol.InitializeRequestArguments,
  ): void {
    this.reportsProgress = args.supportsProgressReporting ?? false;
    response.body = {
      supportsConfigurationDoneRequest: true,
      supportsFunctionBreakpoints: true,
      supportsConditionalBreakpoints: true,
      supportsHitConditionalBreakpoints: true,
      supportsLogPoints: true,
      supportsEvaluateForHovers: true,
      supportsStepBack: true,
      supportsSetVariable: true,
      supportsRestartFrame: true,
      supportsGotoTargetsRequest: true,
      supportsExceptionInfoRequest: true,
      supportsExceptionFilterOptions: true,
      supportsCancelRequest: true,
      supportsTerminateRequest: true,
      exceptionBreakpointFilters: [...exceptionFilters],
    };
    this.sendResponse(response);
  }

  protected override setBreakPointsRequest(
    response: DebugProtocol.SetBreakpointsResponse,
    args: DebugProtocol.SetBreakpointsArguments,
  ): void {
    const key = this.sources.keyOf(args.source);
    const thread = this.threadShowing(args.source);
    const wanted = (args.breakpoints ?? []).map((one) => ({
      ...one,
      line: this.convertClientLineToDebugger(one.line),
    }));
    const answers = this.breakpoints.setLines(key, wanted, thread?.map.spans, thread?.map.notes ?? []);
    response.body = {
      breakpoints: answers.map((one) =>
        one.line === undefined ? one : { ...one, line: this.convertDebuggerLineToClient(one.line) },
      ),
    };
    this.sendResponse(response);
  }

  protected override setFunctionBreakPointsRequest(
    response: DebugProtocol.SetFunctionBreakpointsResponse,
    args: DebugProtocol.SetFunctionBreakpointsArguments,
  ): void {
    response.body = { breakpoints: this.breakpoints.setFunctions(args.breakpoints) };
    this.sendResponse(response);
  }

  protected override setExceptionBreakPointsRequest(
    response: DebugProtocol.SetExceptionBreakpointsResponse,
    args: DebugProtocol.SetExceptionBreakpointsArguments,
  ): void {
    response.body = { breakpoints: this.breakpoints.setFilters(args) };
    this.sendResponse(response);
  }

  protected override exceptionInfoRequest(
    response: DebugProtocol.ExceptionInfoResponse,
    args: DebugProtocol.ExceptionInfoArguments,
  ): void {
    const stop = this.threads.get(args.threadId)?.stop;
    response.body = {
      exceptionId: stop !== undefined && 'filter' in stop ? titleOf(stop.filter ?? stop.reason) : 'none',
      breakMode: 'always',
      ...(stop?.text === undefined ? {} : { description: visibleLine(stop.text) }),
    };
    this.sendResponse(response);
  }

  protected override threadsRequest(response: DebugProtocol.ThreadsResponse): void {
    const threads = [...this.threads.values()].filter(({ ended }) => !ended);
    response.body = { threads: threads.map(({ id, player }) => ({ id, name: questionOf(player.target) })) };
    this.sendResponse(response);
  }

  protected override stackTraceRequest(
    response: DebugProtocol.StackTraceResponse,
    args: DebugProtocol.StackTraceArguments,
  ): void {
    const thread = this.threads.get(args.threadId);
    const frames = thread === undefined ? [] : this.#stack(thread);
    const start = args.startFrame ?? 0;
    const end = args.levels === undefined || args.levels === 0 ? frames.length : start + args.levels;
    response.body = { stackFrames: frames.slice(start, end), totalFrames: frames.length };
    this.sendResponse(response);
  }

  protected override scopesRequest(response: DebugProtocol.ScopesResponse, args: DebugProtocol.ScopesArguments): void {
    const frame = this.frames.get(args.frameId) as FrameOf | undefined;
    response.body = {
      scopes:
        frame === undefined
          ? []
          : scopesOf(frame.thread).map((container) => ({
              name: container.name,
              variablesReference: this.containers.create({ thread: frame.thread, container }),
              expensive: container.expensive,
              ...(container.hint === undefined ? {} : { presentationHint: container.hint }),
            })),
    };
    this.sendResponse(response);
  }

  protected override variablesRequest(
    response: DebugProtocol.VariablesResponse,
    args: DebugProtocol.VariablesArguments,
  ): void {
    const found = this.containers.get(args.variablesReference) as
      { thread: PlanThread; container: Container } | undefined;
    response.body = {
      variables:
        found?.container.list((container) => this.containers.create({ thread: found.thread, container })) ?? [],
    };
    this.sendResponse(response);
  }

  protected override sourceRequest(response: DebugProtocol.SourceResponse, args: DebugProtocol.SourceArguments): void {
    const reference = args.source?.sourceReference ?? args.sourceReference;
    response.body = { content: this.sources.content(reference), mimeType: 'text/plain' };
    this.sendResponse(response);
  }

  protected threadShowing(source: DebugProtocol.Source): PlanThread | undefined {
    const id = this.sources.threadOf(source);
    return id === undefined ? undefined : this.threads.get(id);
  }

  /** Frames, the innermost first: the call when it is looked into, the agent, the step, the question. */
  #stack(thread: PlanThread): DebugProtocol.StackFrame[] {
    const { player } = thread;
    const { site } = player;
    const source = this.sources.trace(thread);
    const line = this.convertDebuggerLineToClient(lineNow(player, thread.map));
    const frames: DebugProtocol.StackFrame[] = [];
    const add = (kind: FrameOf['kind'], name: string, at: number, of = source): void => {
      frames.push({
        id: this.frames.create({ thread, kind }),
        name,
        source: of,
        line: at,
        column: 1,
        canRestart: true,
      });
    };
    const call = callAt(site);
    if (call !== undefined && thread.inCall) {
      const text = this.sources.call(thread, call);
      const answered = call.take !== undefined;
      add(
        'call',
        `${answered ? 'answered' : 'asking'} ${short(callText(call.request), 80)}`,
        this.convertDebuggerLineToClient(answered ? text.answerLine : 0),
        text.source,
      );
    }
    const step = stepAt(player, site, player.passed);
    const atStart = site.position === 0 && !thread.inCall;
    if (atStart) {
      // Nobody has said anything yet: the plan stands before its first step.
    } else if (site.phase === 'note') add('agent', `${agentTitle(site.note.role)} · ${site.note.kind}`, line);
    else if (call?.request.kind === 'complete')
      add('agent', `${agentTitle(call.request.role)} · ${call.request.purpose}`, line);
    else if (call?.request.kind === 'tool') add('agent', `Environment · ${short(call.request.tool, 60)}`, line);
    else add('agent', 'End of the plan', line);
    if (step > 0) add('step', `Step ${step}`, this.convertDebuggerLineToClient(thread.map.lineOfStep(step)));
    add('question', questionOf(player.target), this.convertDebuggerLineToClient(0));
    return frames;
  }

  /** Runs what a request asks; its error is the request's. */
  protected attempt(response: DebugProtocol.Response, task: () => Promise<void> | void): void {
    const fail = (error: unknown): void => {
      const message = error instanceof Error ? error.message : String(error);
      const remedy =
        typeof error === 'object' && error !== null && 'remedy' in error && typeof error.remedy === 'string'
          ? ` ${error.remedy}`
          : '';
      this.sendErrorResponse(
        response,
        { id: 1, format: visibleLine(`${message}${remedy}`).replaceAll('{', '(').replaceAll('}', ')'), showUser: true },
        undefined,
        undefined,
        ErrorDestination.User,
      );
    };
    try {
      const done = task();
      if (done !== undefined) done.catch(fail);
    } catch (error) {
      fail(error);
    }
  }
}

/** What the editor calls an exception: the filter that raised it, as it stands among the breakpoints. */
function titleOf(filter: string): string {
  return exceptionFilters.find((one) => one.filter === filter)?.label ?? filter;
}

function questionOf({ header, key }: DebugTarget): string {
  return short(header.question ?? key, 100);
}

/** For names, where a remark about what was cut would only be in the way. */
export function short(text: string, limit: number): string {
  const line = visibleLine(text).trim();
  return line.length <= limit ? line : `${Array.from(line).slice(0, limit).join('')}…`;
}
