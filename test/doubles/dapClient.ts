import type { DebugProtocol } from '@vscode/debugprotocol';

type Message = DebugProtocol.Request | DebugProtocol.Response | DebugProtocol.Event;

/** Generous: over pipes a program has to start first. */
const limitMs = 60_000;

/** How messages come and go: a session in the same process, or one behind pipes. */
export interface Transport {
  send(request: DebugProtocol.Request): void;
  onMessage(listener: (message: Message) => void): void;
}

/** A session of the same process; a message is copied on its way, as it is everywhere else. */
export function inProcess(session: {
  handleMessage(message: DebugProtocol.ProtocolMessage): void;
  onDidSendMessage(listener: (message: unknown) => void): unknown;
}): Transport {
  return {
    send: (request) => {
      session.handleMessage(structuredClone(request));
    },
    onMessage: (listener) => {
      session.onDidSendMessage((message) => {
        listener(structuredClone(message) as Message);
      });
    },
  };
}

/** Speaks the Debug Adapter Protocol, and keeps every message in order. */
export class DapClient {
  readonly log: Message[] = [];
  readonly #transport: Transport;
  readonly #waiting = new Set<(message: Message) => void>();
  #seq = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.onMessage((message) => {
      this.log.push(message);
      for (const look of [...this.#waiting]) look(message);
    });
  }

  /** @throws Error with the message of a request that failed */
  async request<T = Record<string, unknown>>(command: string, args: object = {}): Promise<T> {
    const response = await this.ask(command, args);
    if (!response.success) {
      const error = (response.body as { error?: { format?: string } } | undefined)?.error?.format;
      throw new Error(error ?? response.message ?? `${command} failed`);
    }
    return response.body as T;
  }

  async ask(command: string, args: object = {}): Promise<DebugProtocol.Response> {
    const request: DebugProtocol.Request = { seq: ++this.#seq, type: 'request', command, arguments: args };
    this.log.push(request);
    this.#transport.send(request);
    return this.#find(
      (message): message is DebugProtocol.Response =>
        message.type === 'response' && (message as DebugProtocol.Response).request_seq === request.seq,
      command,
    );
  }

  /** The next event of a kind after what was logged when the wait began, or after `from`. */
  async event(name: string, from = this.log.length): Promise<DebugProtocol.Event> {
    return this.#find(
      (message): message is DebugProtocol.Event =>
        message.type === 'event' && (message as DebugProtocol.Event).event === name,
      name,
      from,
    );
  }

  /** Sends a motion and waits for where it stops. */
  async move(command: string, args: object = {}): Promise<Stopped> {
    const from = this.log.length;
    await this.request(command, { threadId: 1, ...args });
    return this.#where(await this.event('stopped', from));
  }

  async launch(args: object, before: () => Promise<void> = () => Promise.resolve()): Promise<Stopped> {
    await this.request('initialize', {
      adapterID: 'autoact',
      linesStartAt1: true,
      columnsStartAt1: true,
      supportsProgressReporting: true,
      pathFormat: 'path',
    });
    const from = this.log.length;
    const launched = this.request('launch', args);
    // A launch that fails says so instead of becoming ready.
    await Promise.race([this.event('initialized', from), launched]);
    await before();
    await this.request('configurationDone');
    await launched;
    return this.#where(await this.event('stopped', from));
  }

  async frames(threadId = 1): Promise<DebugProtocol.StackFrame[]> {
    return (await this.request<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId })).stackFrames;
  }

  async variables(scope: string, frame = 0): Promise<{ reference: number; values: Record<string, string> }> {
    const frames = await this.frames();
    const { scopes } = await this.request<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: frames[frame]?.id });
    const reference = scopes.find(({ name }) => name === scope)?.variablesReference ?? 0;
    const { variables } = await this.request<{ variables: DebugProtocol.Variable[] }>('variables', {
      variablesReference: reference,
    });
    return { reference, values: Object.fromEntries(variables.map(({ name, value }) => [name, value])) };
  }

  async setVariable(name: string, value: string): Promise<string> {
    const { reference } = await this.variables('Step');
    return (await this.request<{ value: string }>('setVariable', { variablesReference: reference, name, value })).value;
  }

  async evaluate(expression: string, context = 'repl'): Promise<string> {
    const [frame] = await this.frames();
    return (await this.request<{ result: string }>('evaluate', { expression, context, frameId: frame?.id })).result;
  }

  async #where(event: DebugProtocol.Event): Promise<Stopped> {
    const body = event.body as DebugProtocol.StoppedEvent['body'];
    const frames = await this.frames(body.threadId);
    return {
      reason: body.reason,
      text: body.text,
      frames: frames.map(({ name }) => name),
      line: frames[0]?.line ?? 0,
      source: frames[0]?.source?.path ?? frames[0]?.source?.name ?? '',
    };
  }

  async #find<M extends Message>(is: (message: Message) => message is M, what: string, from = 0): Promise<M> {
    const found = this.log.slice(from).find(is);
    if (found !== undefined) return found;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`${what} did not come`));
      }, limitMs).unref();
      const look = (message: Message): void => {
        if (!is(message)) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(message);
      };
      this.#waiting.add(look);
    });
  }
}

/** The log as text: who says what, in order, without numbers that only tie requests to responses. */
export function transcript(log: readonly Message[], clean: (text: string) => string): string {
  return log
    .map((message) => {
      if (message.type === 'request') {
        const request = message as DebugProtocol.Request;
        return `-> ${request.command} ${JSON.stringify(request.arguments)}`;
      }
      if (message.type === 'event') {
        const event = message as DebugProtocol.Event;
        return `<- event ${event.event} ${JSON.stringify(event.body ?? {})}`;
      }
      const response = message as DebugProtocol.Response;
      return `<- ${response.command} ${response.success ? '' : `failed (${response.message ?? ''}) `}${JSON.stringify(response.body ?? {})}`;
    })
    .map((line) => `${clean(line)}\n`)
    .join('');
}

export interface Stopped {
  readonly reason: string;
  readonly text: string | undefined;
  readonly frames: readonly string[];
  readonly line: number;
  readonly source: string;
}
