import * as z from 'zod';
import { observationLimit } from './observation.ts';

/**
 * Entries of a task card's `tools`: which tool, who provides it, and how. A key is never written here; an entry names
 * the environment variable that holds it, which the editor fills from its secret storage.
 */

const shared = {
  offer: z
    .boolean()
    .default(false)
    .describe('Only offer the tool to the Meta-Agent, which selects; otherwise the tool is used.'),
  maxChars: z
    .number()
    .int()
    .min(80)
    .max(8000)
    .default(observationLimit)
    .describe('Most characters of an observation; the rest is cut, visibly.'),
};
const address = z.url({ protocol: /^https?$/, error: 'an http or https address' });
/** Only what is called a key: a card from elsewhere must not have other variables sent to an address of its choice. */
const keyVariable = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*_API_KEY$/, 'the name of an environment variable that ends in _API_KEY')
  .describe('Environment variable that holds the key; the editor fills it from its secret storage.');
const timeoutSeconds = z.number().min(1).max(600).default(20).describe('Longest wait for one answer.');

export const DocumentsTool = z
  .strictObject({
    tool: z.enum(['Search', 'Retrieve', 'Lookup']),
    provider: z.literal('documents').describe('The documents of this card.'),
    ...shared,
  })
  .describe('Reads the documents of this card.');

export const CalculatorTool = z
  .strictObject({
    tool: z.literal('Calculator'),
    provider: z.literal('arithmetic').describe('Plain arithmetic; nothing else is evaluated.'),
    ...shared,
  })
  .describe('Works out an arithmetic expression.');

export const MediaWikiTool = z
  .strictObject({
    tool: z.literal('Retrieve'),
    provider: z.literal('mediawiki').describe('Wikipedia, or any wiki with MediaWiki’s API.'),
    url: address.default('https://en.wikipedia.org/w/api.php').describe('Address of api.php.'),
    timeoutSeconds,
    ...shared,
  })
  .describe('Reads the first paragraph of a page of a wiki.');

export const WebSearchTool = z
  .strictObject({
    tool: z.literal('Search'),
    provider: z.enum(['searxng', 'brave', 'tavily', 'serper']).describe('The search service.'),
    url: address.optional().describe('Address of your SearXNG instance; of another service only where it differs.'),
    apiKeyVariable: keyVariable.optional(),
    results: z.number().int().min(1).max(10).default(4).describe('Results shown, one a line.'),
    timeoutSeconds,
    ...shared,
  })
  .describe('Searches the web.');

export const CodeTool = z
  .strictObject({
    tool: z.literal('CodeInterpreter'),
    provider: z.literal('pyodide').describe('Python in WebAssembly; installed when it is first called.'),
    timeoutSeconds: z.number().min(1).max(120).default(10).describe('Longest time that code may run.'),
    memoryMegabytes: z.number().int().min(64).max(2048).default(256).describe('Memory that Python may use.'),
    ...shared,
  })
  .describe('Runs Python code in a process without network or files.');

export const ToolEntry = z.discriminatedUnion('provider', [
  DocumentsTool,
  CalculatorTool,
  MediaWikiTool,
  WebSearchTool,
  CodeTool,
]);
export type ToolEntry = z.infer<typeof ToolEntry>;

/** A tool by its name alone is one that needs no configuration: documents, arithmetic. */
export const ToolList = z
  .array(z.union([z.string().min(1), ToolEntry]))
  .refine((entries) => new Set(entries.map((e) => typeof e !== 'string' && e.offer)).size <= 1, {
    message:
      'either all tools are offered ("offer": true), and the Meta-Agent selects, or none is, and all of them are used',
  });
export type ToolList = z.infer<typeof ToolList>;

/** Whether the card itself names the tools that are used; else the Meta-Agent selects from what is offered. */
export function cardSelects(list: ToolList | undefined): boolean {
  return list?.some((entry) => typeof entry === 'string' || !entry.offer) ?? false;
}
