import * as z from 'zod';
import { searchTool } from '../../core/tools/library.ts';
import { cutText } from '../../core/tools/observation.ts';
import type { ToolProvider } from '../../core/tools/provider.ts';
import type { WebSearchTool } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { askJson, type WebRequest } from './webRequest.ts';

/** A result of a web search: what its page is called, and what was found there. */
interface Hit {
  readonly title: string;
  readonly snippet: string;
}

/** How a search service is asked, and what it answers. Extra fields of an answer do not matter. */
interface Service {
  readonly name: string;
  readonly url: string;
  readonly keyVariable?: string;
  request(
    query: string,
    results: number,
    key: string,
  ): Omit<WebRequest, 'name' | 'timeoutSeconds' | 'url'> & {
    readonly parameters?: Readonly<Record<string, string>>;
  };
  readonly answer: z.ZodType<readonly Hit[]>;
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const json = { 'content-type': 'application/json' };

/** Requests and answers follow each service's published API. */
const services: Readonly<Record<z.infer<typeof WebSearchTool>['provider'], Service>> = {
  searxng: {
    name: 'SearXNG',
    url: '',
    request: (query) => ({ parameters: { q: query, format: 'json', safesearch: '0' } }),
    answer: z
      .object({ results: z.array(z.object({ title: text, content: text })) })
      .transform(({ results }) => results.map(({ title, content }) => ({ title, snippet: content }))),
  },
  brave: {
    name: 'Brave Search',
    url: 'https://api.search.brave.com/res/v1/web/search',
    keyVariable: 'BRAVE_API_KEY',
    request: (query, results, key) => ({
      parameters: { q: query.slice(0, 400), count: String(Math.min(results, 20)), text_decorations: 'false' },
      headers: { 'x-subscription-token': key },
    }),
    answer: z
      .object({ web: z.object({ results: z.array(z.object({ title: text, description: text })) }).nullish() })
      .transform(({ web }) => (web?.results ?? []).map(({ title, description }) => ({ title, snippet: description }))),
  },
  tavily: {
    name: 'Tavily',
    url: 'https://api.tavily.com/search',
    keyVariable: 'TAVILY_API_KEY',
    request: (query, results, key) => ({
      method: 'POST',
      headers: { ...json, authorization: `Bearer ${key}` },
      body: JSON.stringify({ query: query.slice(0, 400), max_results: results, search_depth: 'basic' }),
    }),
    answer: z
      .object({ results: z.array(z.object({ title: text, content: text })) })
      .transform(({ results }) => results.map(({ title, content }) => ({ title, snippet: content }))),
  },
  serper: {
    name: 'Serper',
    url: 'https://google.serper.dev/search',
    keyVariable: 'SERPER_API_KEY',
    request: (query, results, key) => ({
      method: 'POST',
      headers: { ...json, 'x-api-key': key },
      body: JSON.stringify({ q: query, num: results }),
    }),
    answer: z
      .object({ organic: z.array(z.object({ title: text, snippet: text })).nullish() })
      .transform(({ organic }) => organic ?? []),
  },
};

const queryLimit = 500;
const lineLimit = 300;

/**
 * Search on the web, by whichever service: the best results one a line, which Lookup then reads (methods 1.4, column
 * `fixed`). The page behind a result is never fetched.
 * @throws ToolError `not-configured` when the key or the address is missing
 */
export function webSearch(
  entry: z.infer<typeof WebSearchTool>,
  secret: (name: string) => string | undefined,
  userAgent: string,
): ToolProvider {
  const service = services[entry.provider];
  const address = entry.url ?? service.url;
  if (address === '')
    throw new ToolError(
      'not-configured',
      `${service.name} has no address.`,
      'Give the address of your instance as "url".',
    );
  const key = keyFor(service, entry.apiKeyVariable, secret);
  return {
    description: searchTool,
    provider: `${service.name} at ${new URL(address).host}`,
    maxChars: entry.maxChars,
    shared: true,
    call: async (argument, state, signal) => {
      const query = argument
        .replace(/[\s\p{Cc}]+/gu, ' ')
        .trim()
        .slice(0, queryLimit);
      if (query === '') return { text: 'Search needs a query.', outcome: 'miss', state };
      const { parameters = {}, headers, ...rest } = service.request(query, entry.results, key);
      const url = entry.provider === 'searxng' ? searchPath(address) : new URL(address);
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      const answer = service.answer.safeParse(
        await askJson(
          {
            ...rest,
            name: service.name,
            url,
            headers: { 'user-agent': userAgent, ...headers },
            timeoutSeconds: entry.timeoutSeconds,
          },
          signal,
        ),
      );
      if (!answer.success)
        throw new ToolError(
          'bad-response',
          `${service.name}'s answer has not the form of its API: ${answer.error.issues[0]?.path.join('.') ?? ''} ${answer.error.issues[0]?.message ?? ''}.`,
          'See whether "url" is the address of its search.',
        );
      const lines = answer.data
        .slice(0, entry.results)
        .map(({ title, snippet }) => cutText(`${plain(title)}: ${plain(snippet)}`, lineLimit))
        .filter((line) => line !== ': ');
      if (lines.length === 0) return { text: `No results for "${query}".`, outcome: 'miss', state };
      return { text: lines.join('\n'), outcome: 'hit', state: { lookup: { lines, keyword: null, index: 0 } } };
    },
  };
}

function keyFor(service: Service, named: string | undefined, secret: (name: string) => string | undefined): string {
  if (service.keyVariable === undefined && named === undefined) return '';
  const variable = named ?? service.keyVariable ?? '';
  const key = secret(variable);
  if (key === undefined || key === '')
    throw new ToolError(
      'not-configured',
      `${service.name} needs a key, and ${variable} holds none.`,
      `In the editor: "AutoAct: Set API Key of a Tool…". On the command line: set the environment variable ${variable}.`,
    );
  return key;
}

/** An instance of SearXNG may be named with or without the path of its search. */
function searchPath(address: string): URL {
  const url = new URL(address);
  if (!url.pathname.endsWith('/search')) url.pathname = `${url.pathname.replace(/\/+$/, '')}/search`;
  return url;
}

/** One line of plain text: snippets come with bold marks, entities and line ends. */
function plain(html: string): string {
  return html
    .replace(/<\/?(?:b|strong|em|i|mark|span|br)\b[^>]*>/gi, '')
    .replace(/&(amp|lt|gt|quot|apos|nbsp|#x?[0-9a-f]+);/gi, (whole, name: string) => entity(name) ?? whole)
    .replace(/\s+/g, ' ')
    .trim();
}

function entity(name: string): string | undefined {
  const known: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };
  if (!name.startsWith('#')) return known[name.toLowerCase()];
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
  return Number.isInteger(code) && code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
