import { cleanObservation } from '../../core/tools/observation.ts';
import type { Finding, ToolLibrary, ToolProvider, UnavailableTool } from '../../core/tools/provider.ts';
import type { ToolDescription } from '../../core/tools/library.ts';
import type { ToolAnswer, ToolRequest } from '../../core/run/request.ts';
import type { Tools } from '../../core/ports/pipeline.ts';

/**
 * The tools of a run: the one place where their answers come in, and where they are made safe to stand in a history.
 * What comes from outside is asked for once a run, so that every system that is compared sees the same evidence.
 */
export class Toolbox implements Tools {
  readonly #library: ToolLibrary;
  readonly #tools: ReadonlyMap<string, ToolProvider>;
  readonly #answers = new Map<string, Promise<Finding>>();

  constructor(library: ToolLibrary) {
    this.#library = library;
    this.#tools = new Map(library.available.map((tool) => [tool.description.name, tool]));
  }

  /** What can be offered for selection. */
  get offered(): readonly ToolDescription[] {
    return this.#library.available.map((tool) => tool.description);
  }

  get unavailable(): readonly UnavailableTool[] {
    return this.#library.unavailable;
  }

  /** @throws ToolError when the tool could not do its work */
  async call(request: ToolRequest, signal: AbortSignal = new AbortController().signal): Promise<ToolAnswer> {
    const { tool, argument, state } = request;
    const provider = this.#tools.get(tool);
    if (provider === undefined)
      return { kind: 'observation', text: `The tool ${tool} is not configured.`, outcome: 'error', state };
    const finding = await (provider.shared === true
      ? this.#once(provider, argument, state, signal)
      : provider.call(argument, state, signal));
    const text = cleanObservation(finding.text, provider.maxChars);
    return text === ''
      ? { kind: 'observation', text: 'The tool returned no text.', outcome: 'miss', state: finding.state }
      : { kind: 'observation', text, outcome: finding.outcome, state: finding.state };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#tools.values()].map(async (tool) => tool.close?.()));
  }

  #once(provider: ToolProvider, argument: string, state: ToolRequest['state'], signal: AbortSignal): Promise<Finding> {
    const key = JSON.stringify([provider.description.name, argument.trim(), state]);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = Promise.resolve(provider.call(argument, state, signal));
    this.#answers.set(key, answer);
    answer.catch(() => this.#answers.delete(key));
    return answer;
  }
}
