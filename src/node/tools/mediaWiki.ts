import * as z from 'zod';
import { retrieveTool } from '../../core/tools/library.ts';
import type { ToolProvider } from '../../core/tools/provider.ts';
import type { MediaWikiTool } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { splitSentences } from '../../core/world/sentences.ts';
import { askJson } from './webRequest.ts';

const Page = z.object({
  query: z.object({
    pages: z.array(z.object({ title: z.string(), missing: z.boolean().optional(), extract: z.string().optional() })),
  }),
});
const Titles = z.object({ query: z.object({ search: z.array(z.object({ title: z.string() })) }) });
const Refusal = z.object({ error: z.object({ code: z.string(), info: z.string().optional() }) });

const sentenceLimit = 5;
/** What Lookup can go through afterwards; it is written to the log with every call. */
const lookupSentences = 150;
const lookupChars = 20_000;
const maxTitle = 255;

/**
 * Retrieve over the API of MediaWiki, Wikipedia's or any other's, redirects followed (methods 1.4, column `fixed`): at
 * most five sentences of the first paragraph; a miss names five titles and leaves what Lookup reads as it was.
 */
export function mediaWiki(entry: z.infer<typeof MediaWikiTool>, userAgent: string): ToolProvider {
  const ask = (parameters: Record<string, string>, signal: AbortSignal): Promise<unknown> => {
    const url = new URL(entry.url);
    for (const [name, value] of Object.entries({ action: 'query', format: 'json', formatversion: '2', ...parameters }))
      url.searchParams.set(name, value);
    const request = {
      name: 'The wiki',
      url,
      headers: { 'user-agent': userAgent },
      timeoutSeconds: entry.timeoutSeconds,
    };
    return askJson(request, signal);
  };
  return {
    description: retrieveTool,
    provider: `MediaWiki at ${new URL(entry.url).host}`,
    maxChars: entry.maxChars,
    shared: true,
    call: async (argument, state, signal) => {
      const title = argument
        .replace(/[\p{Cc}|#<>[\]{}]/gu, ' ')
        .replace(/\s+/g, ' ')
        .trim()
        .slice(0, maxTitle);
      if (title === '') return { text: 'Retrieve needs a title.', outcome: 'miss', state };
      const page = read(
        Page,
        await ask(
          { prop: 'extracts', explaintext: '1', exsectionformat: 'plain', redirects: '1', titles: title },
          signal,
        ),
      ).query.pages[0];
      const paragraphs = (page?.extract ?? '')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '');
      if (page === undefined || page.missing === true || paragraphs.length === 0) {
        const found = read(Titles, await ask({ list: 'search', srsearch: title, srlimit: '5', srprop: '' }, signal));
        const similar = found.query.search.map((hit) => hit.title).join('; ');
        return {
          text: `No page "${title}".${similar === '' ? '' : ` Similar titles: ${similar}.`}`,
          outcome: 'miss',
          state,
        };
      }
      const first = splitSentences(paragraphs[0] ?? '')
        .slice(0, sentenceLimit)
        .join(' ');
      return {
        text: first,
        outcome: 'hit',
        state: { lookup: { title: page.title, lines: lookupLines(paragraphs), keyword: null, index: 0 } },
      };
    },
  };
}

function lookupLines(paragraphs: readonly string[]): string[] {
  const lines: string[] = [];
  let chars = 0;
  for (const sentence of paragraphs.flatMap(splitSentences)) {
    chars += sentence.length;
    if (lines.length === lookupSentences || chars > lookupChars) break;
    lines.push(sentence);
  }
  return lines;
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const refusal = Refusal.safeParse(value).data?.error;
  if (refusal !== undefined)
    throw new ToolError(
      'bad-response',
      `The wiki refuses the request: ${refusal.code}${refusal.info === undefined ? '' : ` (${refusal.info.slice(0, 200)})`}.`,
      'See whether its API has the TextExtracts extension.',
    );
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ToolError(
    'bad-response',
    `The wiki's answer has not the form of MediaWiki's API: ${parsed.error.issues[0]?.message ?? ''}.`,
    'Give the address of its api.php.',
  );
}
