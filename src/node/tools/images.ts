import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { drawTool, imageTool } from '../../core/tools/library.ts';
import type { ToolProvider } from '../../core/tools/provider.ts';
import type { CaptionTool, DrawTool, VisionTool } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { readJsonLines } from '../store/jsonLines.ts';
import { fileOf, fileWithin } from './fileOf.ts';
import type { ToolPlace } from './provide.ts';
import { askJson } from './webRequest.ts';

const Caption = z.object({
  image: z.string().min(1),
  caption: z.string().nullish(),
  /** Text in the image: strings, or what OCR gives with coordinates, which are left out. */
  ocr: z.union([z.string(), z.array(z.union([z.string(), z.object({ text: z.string() })]))]).nullish(),
});

/** Image2Text from stored captions and OCR text: JSON Lines with image, caption, ocr. @throws ToolError, TaskError */
export function captions(entry: z.infer<typeof CaptionTool>, folder: string): ToolProvider {
  const path = fileOf(folder, entry.file);
  const texts = new Map(
    readJsonLines(path).map(({ value, line }) => {
      const row = Caption.safeParse(value);
      if (!row.success)
        throw new ToolError(
          'not-configured',
          `Line ${line} of ${path} is no caption.`,
          'A line is {"image": …, "caption": …, "ocr": [ … ]}.',
        );
      return [imageKey(row.data.image), describe(row.data)];
    }),
  );
  return {
    description: imageTool,
    provider: `${texts.size} captions of ${entry.file}`,
    maxChars: entry.maxChars,
    call: (argument, state) => {
      const text = texts.get(imageKey(argument));
      return text === undefined || text === ''
        ? { text: `There is no caption of the image "${argument.trim().slice(0, 200)}".`, outcome: 'miss', state }
        : { text, outcome: 'hit', state: { ...state, lookup: { lines: text.split('\n'), keyword: null, index: 0 } } };
    },
  };
}

function describe({ caption, ocr }: z.infer<typeof Caption>): string {
  const words =
    typeof ocr === 'string' ? ocr : (ocr ?? []).map((part) => (typeof part === 'string' ? part : part.text)).join('; ');
  return [caption ?? '', words === '' ? '' : `Text in the image: ${words}`].filter((part) => part !== '').join('\n');
}

const imageKey = (name: string): string => name.trim().toLowerCase();

const kinds: readonly (readonly [string, readonly number[]])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/gif', [0x47, 0x49, 0x46, 0x38]],
  ['image/webp', [0x52, 0x49, 0x46, 0x46]],
];
const maxImageBytes = 10 * 2 ** 20;
const Chat = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })).min(1) });

/** Image2Text by a vision model on a server with OpenAI's API, over images in a folder. @throws ToolError */
export function vision(entry: z.infer<typeof VisionTool>, place: ToolPlace): ToolProvider {
  const folder = fileOf(place.folder, entry.images);
  const headers = authorization(entry.apiKeyVariable, 'The vision model', place);
  return {
    description: imageTool,
    provider: `${entry.model} at ${new URL(entry.url).host}`,
    maxChars: entry.maxChars,
    shared: true,
    call: async (argument, state, signal) => {
      const image = readImage(folder, argument.trim());
      if (image === undefined)
        return { text: `There is no image "${argument.trim().slice(0, 200)}".`, outcome: 'miss', state };
      const body = {
        model: entry.model,
        max_tokens: entry.maxTokens,
        temperature: 0,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: entry.prompt },
              { type: 'image_url', image_url: { url: image } },
            ],
          },
        ],
      };
      const answer = await post(
        `${entry.url.replace(/\/+$/, '')}/chat/completions`,
        'The vision model',
        body,
        headers,
        entry.timeoutSeconds,
        Chat,
        signal,
      );
      const text = answer.choices[0]?.message.content ?? '';
      return text.trim() === ''
        ? { text: 'The model said nothing of the image.', outcome: 'miss', state }
        : { text, outcome: 'hit', state: { ...state, lookup: { lines: text.split('\n'), keyword: null, index: 0 } } };
    },
  };
}

/** As a data URL; undefined where there is no such image in the folder. */
function readImage(folder: string, name: string): string | undefined {
  const path = fileWithin(folder, name);
  if (path === undefined || !statSync(path).isFile() || statSync(path).size > maxImageBytes) return undefined;
  const bytes = readFileSync(path);
  const kind = kinds.find(([, magic]) => magic.every((byte, i) => bytes[i] === byte))?.[0];
  return kind === undefined ? undefined : `data:${kind};base64,${bytes.toString('base64')}`;
}

const Images = z.object({ data: z.array(z.object({ b64_json: z.string() })).min(1) });
const promptLimit = 2000;
const maxAnswerBytes = 32 * 2 ** 20;

/** Text2Image by a server with OpenAI's images API; the picture is kept in a folder beside the card. */
export function draw(entry: z.infer<typeof DrawTool>, place: ToolPlace): ToolProvider {
  const headers = authorization(entry.apiKeyVariable, 'The image model', place);
  return {
    description: drawTool,
    provider: `${entry.model} at ${new URL(entry.url).host}`,
    maxChars: entry.maxChars,
    shared: true,
    call: async (argument, state, signal) => {
      const prompt = argument.trim().slice(0, promptLimit);
      if (prompt === '') return { text: 'Text2Image needs a description.', outcome: 'miss', state };
      const body = { model: entry.model, prompt, n: 1, size: entry.size, response_format: 'b64_json' };
      const answer = await post(
        `${entry.url.replace(/\/+$/, '')}/images/generations`,
        'The image model',
        body,
        headers,
        entry.timeoutSeconds,
        Images,
        signal,
      );
      const bytes = Buffer.from(answer.data[0]?.b64_json ?? '', 'base64');
      const kind = kinds.find(([, magic]) => magic.every((byte, i) => bytes[i] === byte))?.[0];
      if (kind === undefined)
        throw new ToolError(
          'bad-response',
          'The image model answered no image.',
          'See whether it knows response_format b64_json.',
        );
      const name = `${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.${kind.slice('image/'.length)}`;
      const folder = join(place.folder, entry.folder);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, name), bytes);
      return { text: `The image is ${name}.`, outcome: 'hit', state };
    },
  };
}

function authorization(variable: string | undefined, name: string, { secret }: ToolPlace): Record<string, string> {
  if (variable === undefined) return {};
  const key = secret(variable);
  if (key === undefined || key === '')
    throw new ToolError(
      'not-configured',
      `${name} needs a key, and ${variable} holds none.`,
      `In the editor: "AutoAct: Set API Key of a Tool…". On the command line: set the environment variable ${variable}.`,
    );
  return { authorization: `Bearer ${key}` };
}

async function post<T>(
  url: string,
  name: string,
  body: object,
  headers: Record<string, string>,
  timeoutSeconds: number,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const answer = schema.safeParse(
    await askJson(
      {
        name,
        url: new URL(url),
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        timeoutSeconds,
        maxBytes: maxAnswerBytes,
      },
      signal,
    ),
  );
  if (answer.success) return answer.data;
  throw new ToolError(
    'bad-response',
    `${name} answered something else than its API says: ${answer.error.issues[0]?.message ?? ''}.`,
    'See whether "url" ends in /v1 and the model is right.',
  );
}
