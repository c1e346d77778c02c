import { Encyclopedia, type Finding } from '../../core/tools/encyclopedia.ts';
import { lookupTools, type ToolDescription } from '../../core/tools/library.ts';
import type { ToolAnswer, ToolRequest } from '../../core/run/request.ts';
import type { Tools } from '../../core/ports/pipeline.ts';
import type { Page } from '../../core/world/types.ts';
import { calculate } from './calculator.ts';
import { createPageIndex } from './pageIndex.ts';

/** The tools of a run over its documents. A pure function of request and state, so that replay gives the same. */
export class Toolbox implements Tools {
  readonly #encyclopedia: Encyclopedia | undefined;

  constructor(pages: readonly Page[]) {
    this.#encyclopedia = pages.length === 0 ? undefined : new Encyclopedia(pages, createPageIndex(pages));
  }

  /** What can be offered for selection: without documents, nothing that reads them. */
  get offered(): readonly ToolDescription[] {
    return lookupTools.filter((tool) => tool.name === 'Calculator' || this.#encyclopedia !== undefined);
  }

  call(request: ToolRequest): Promise<ToolAnswer> {
    return Promise.resolve({ kind: 'observation', ...this.#find(request) });
  }

  #find({ tool, argument, state }: ToolRequest): Omit<ToolAnswer, 'kind'> {
    if (tool === 'Calculator') {
      const value = calculate(argument);
      return value === undefined
        ? { text: `"${argument.slice(0, 200)}" is not an arithmetic expression.`, outcome: 'miss', state }
        : { text: value, outcome: 'hit', state };
    }
    const finding = this.#lookIn(tool, argument, state);
    return finding ?? { text: `The tool ${tool} is not configured.`, outcome: 'error', state };
  }

  #lookIn(tool: string, argument: string, state: ToolRequest['state']): Finding | undefined {
    switch (tool) {
      case 'Search':
        return this.#encyclopedia?.search(argument, state);
      case 'Retrieve':
        return this.#encyclopedia?.retrieve(argument, state);
      case 'Lookup':
        return this.#encyclopedia?.lookup(argument, state);
      default:
        return undefined;
    }
  }
}
