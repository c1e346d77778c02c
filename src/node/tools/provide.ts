import type { ToolProvider } from '../../core/tools/provider.ts';
import type { ToolEntry } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { calculatorProvider } from './calculator.ts';
import { codeInterpreter } from './codeInterpreter.ts';
import { database } from './database.ts';
import { captions, draw, vision } from './images.ts';
import { localTriples, sparql } from './knowledgeGraph.ts';
import { ocr } from './ocr.ts';
import { mediaWiki } from './mediaWiki.ts';
import { mcpTool } from './mcp.ts';
import { tables } from './tableFiles.ts';
import { userTool } from './userTools.ts';
import { webSearch } from './webSearch.ts';

/** What tools need of the machine and the task. */
export interface ToolPlace {
  /** Folder of the task card: paths in it are relative to this. */
  readonly folder: string;
  /** The package's own folder. */
  readonly root: string;
  /** Of AutoAct; servers on the web are told who asks. */
  readonly version: string;
  /** Value of a key by the name that the card gives; the editor's secret storage reaches the environment. */
  readonly secret: (name: string) => string | undefined;
  /** The sandbox's program: `dist/sandbox.js`, or its source under Node 24. */
  readonly sandboxEntry: string;
  /** Folder of the user's approvals, where it is not the usual one. */
  readonly approvals?: string;
  readonly notify: (message: string) => void;
}

/** The tools that an entry of the card's `tools` stands for. @throws ToolError with what is missing */
export function provide(entry: ToolEntry, documents: readonly ToolProvider[], place: ToolPlace): ToolProvider[] {
  switch (entry.provider) {
    case 'documents': {
      const found = documents.filter(({ description }) => description.name === entry.tool);
      if (found.length > 0) return found;
      throw new ToolError(
        'not-configured',
        'The task card names no documents.',
        'Name a folder or file under "documents".',
      );
    }
    case 'arithmetic':
      return [calculatorProvider()];
    case 'mediawiki':
      return [mediaWiki(entry, userAgent(place))];
    case 'searxng':
    case 'brave':
    case 'tavily':
    case 'serper':
      return [webSearch(entry, place.secret, userAgent(place))];
    case 'pyodide':
      return [codeInterpreter(entry, place)];
    case 'tables':
      return [tables(entry, place.folder)];
    case 'sqlite':
      return [database(entry, place)];
    case 'triples':
      return [localTriples(entry, place.folder)];
    case 'sparql':
      return [sparql(entry, userAgent(place))];
    case 'captions':
      return [captions(entry, place.folder)];
    case 'ocr':
      return [ocr(entry, place)];
    case 'vision':
      return [vision(entry, place)];
    case 'images-api':
      return [draw(entry, place)];
    case 'description':
      return [userTool(entry, place)];
    case 'mcp':
      return [mcpTool(entry, place)];
  }
}

const userAgent = ({ version }: ToolPlace): string => `AutoAct/${version} (research on learning agents)`;
