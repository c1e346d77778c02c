import * as z from 'zod';
import { carriesCredentials, noCredentials } from '../run/address.ts';
import { observationLimit } from './observation.ts';
import { ToolName } from './userTool.ts';

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
const address = z
  .url({ protocol: /^https?$/, error: 'an http or https address' })
  .refine((text) => !carriesCredentials(text), { error: noCredentials });
/** Only what is called a key: a card from elsewhere must not have other variables sent to an address of its choice. */
const keyVariable = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*_API_KEY$/, 'the name of an environment variable that ends in _API_KEY')
  .describe('Environment variable that holds the key; the editor fills it from its secret storage.');
const path = z.string().min(1).max(1000);
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

export const TableTool = z
  .strictObject({
    tool: z.literal('TableVerbalizer'),
    provider: z.literal('tables'),
    path: path.describe('A .csv, .tsv, .json or .jsonl file, or a folder of them, relative to this card.'),
    ...shared,
  })
  .describe('Tells rows of tables as sentences.');

export const DatabaseTool = z
  .strictObject({
    tool: z.literal('Database'),
    provider: z.literal('sqlite'),
    file: path.describe('A SQLite file, relative to this card; it is only read.'),
    maxRows: z.number().int().min(1).max(1000).default(20).describe('Rows shown.'),
    timeoutSeconds,
    ...shared,
  })
  .describe('Runs SELECT statements over a SQLite file.');

export const TripleTool = z
  .strictObject({
    tool: z.literal('KnowledgeGraph'),
    provider: z.literal('triples'),
    file: path.describe('Turtle, N-Triples, or a .tsv of subject, relation, object, relative to this card.'),
    ...shared,
  })
  .describe('Reads triples of a file.');

export const SparqlTool = z
  .strictObject({
    tool: z.literal('KnowledgeGraph'),
    provider: z.literal('sparql'),
    url: address.describe('Address of the endpoint’s queries.'),
    query: z
      .string()
      .includes('{{argument}}')
      .optional()
      .describe('A query with {{argument}} where the argument goes, as a literal; left out, agents write SPARQL.'),
    timeoutSeconds,
    ...shared,
  })
  .describe('Asks a SPARQL endpoint.');

export const CaptionTool = z
  .strictObject({
    tool: z.literal('Image2Text'),
    provider: z.literal('captions'),
    file: path
      .optional()
      .describe('JSON Lines with image, caption and ocr, relative to this card; left out, what the questions hold.'),
    ...shared,
  })
  .describe('Reads stored captions and OCR text of images.');

const images = path.describe('Folder of the images, relative to this card; no other file is read.');

export const OcrTool = z
  .strictObject({
    tool: z.literal('Image2Text'),
    provider: z.literal('ocr').describe('Tesseract in WebAssembly; installed when it is first called.'),
    images,
    language: z
      .string()
      .regex(/^[a-z]{3}(?:_[a-z]+)?$/, 'a language as Tesseract names it: eng, deu, chi_sim, …')
      .default('eng'),
    timeoutSeconds: z.number().min(1).max(120).default(30).describe('Longest time for one image.'),
    memoryMegabytes: z.number().int().min(128).max(2048).default(512).describe('Memory that one image may take.'),
    ...shared,
  })
  .describe('Reads the text in images, in a process without network.');

export const VisionTool = z
  .strictObject({
    tool: z.literal('Image2Text'),
    provider: z.literal('vision'),
    url: address.describe('Address of an OpenAI-compatible server, with /v1.'),
    model: z.string().min(1),
    images,
    prompt: z.string().min(1).default('Describe this image in two sentences, and quote any text in it.'),
    maxTokens: z.number().int().min(16).max(1024).default(160),
    apiKeyVariable: keyVariable.optional(),
    timeoutSeconds: timeoutSeconds.default(120),
    ...shared,
  })
  .describe('Has a vision model tell what images show.');

export const DrawTool = z
  .strictObject({
    tool: z.literal('Text2Image'),
    provider: z.literal('images-api'),
    url: address.describe('Address of an OpenAI-compatible server, with /v1.'),
    model: z.string().min(1),
    size: z
      .string()
      .regex(/^\d+x\d+$/)
      .default('512x512'),
    folder: path.default('images').describe('Folder for the images, relative to this card.'),
    apiKeyVariable: keyVariable.optional(),
    timeoutSeconds: timeoutSeconds.default(120),
    ...shared,
  })
  .describe('Has an image model draw.');

export const DescribedTool = z
  .strictObject({
    tool: ToolName.describe('The name in the description.'),
    provider: z.literal('description'),
    file: path.describe('A tool description, *.tool.json, relative to this card.'),
    ...shared,
  })
  .describe('A tool of your own: a command or an HTTP call, which you approve before it runs.');

export const McpTool = z
  .strictObject({
    tool: z.string().min(1).max(200).describe('The tool’s name on the server.'),
    as: ToolName.optional().describe('The name that agents use, where the server’s is not letters, digits and _.'),
    provider: z.literal('mcp'),
    command: z.array(z.string().min(1)).min(1).optional().describe('Program and arguments that start the server.'),
    url: address.optional().describe('Address of a server with streamable HTTP.'),
    argument: z.string().optional().describe('The parameter that the argument is; else the only one, or JSON.'),
    apiKeyVariable: keyVariable.optional(),
    timeoutSeconds,
    ...shared,
  })
  .refine(
    (entry) => (entry.command === undefined) !== (entry.url === undefined),
    'an MCP server has a command or a url',
  )
  .refine(
    (entry) => ToolName.safeParse(entry.as ?? entry.tool).success,
    'give it a name of letters, digits and _ under "as"',
  )
  .describe('A tool of an MCP server, which you approve before it runs.');

export const ToolEntry = z.discriminatedUnion('provider', [
  DocumentsTool,
  CalculatorTool,
  MediaWikiTool,
  WebSearchTool,
  CodeTool,
  TableTool,
  DatabaseTool,
  TripleTool,
  SparqlTool,
  CaptionTool,
  OcrTool,
  VisionTool,
  DrawTool,
  DescribedTool,
  McpTool,
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
