import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { ToolState } from '../../core/run/request.ts';
import { drawTool, imageTool } from '../../core/tools/library.ts';
import type { Finding, ToolProvider } from '../../core/tools/provider.ts';
import { imageInWords, questionImage } from '../../core/tools/questionImage.ts';
import type { CaptionTool, DrawTool, VisionTool } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { readJsonLines } from '../store/jsonLines.ts';
import { fileOf } from './fileOf.ts';
import { imageFound, imageType, noImage, wantedImage } from './imageFolder.ts';
import type { ToolPlace } from './provide.ts';
import { askJson } from './webRequest.ts';

const Caption = z.object({
  image: z.string().min(1),
  caption: z.string().nullish(),
  /** Text in the image: strings, or what OCR gives with coordinates, which are left out. */
  ocr: z.union([z.string(), z.array(z.union([z.string(), z.object({ text: z.string() })]))]).nullish(),
});

/**
 * Image2Text from stored captions and OCR text: of the questions themselves, as an import wrote them, or of a file of
 * JSON Lines with image, caption, ocr. @throws ToolError, TaskError
 */
export function captions(entry: z.infer<typeof CaptionTool>, folder: string): ToolProvider {
  const texts = entry.file === undefined ? undefined : readCaptions(fileOf(folder, entry.file));
  return {
    description: imageTool,
    provider: texts === undefined ? 'captions of the questions' : `${texts.size} captions of ${entry.file}`,
    maxChars: entry.maxChars,
    call: (argument, state) => {
      const own = questionImage(state);
      const text = texts?.get(imageKey(own?.file ?? argument)) ?? (own === undefined ? '' : imageInWords(own));
      return text === '' ? noCaption(argument, state, texts !== undefined) : imageFound(text, state);
    },
  };
}

function noCaption(argument: string, state: ToolState, byName: boolean): Finding {
  const text =
    questionImage(state) !== undefined
      ? 'There is no caption of the question’s image.'
      : byName
        ? `There is no caption of the image "${argument.trim().slice(0, 200)}".`
        : 'The question has no image.';
  return { text, outcome: 'miss', state };
}

function readCaptions(path: string): ReadonlyMap<string, string> {
  return new Map(
    readJsonLines(path).map(({ value, line }) => {
      const row = Caption.safeParse(value);
      if (!row.success)
        throw new ToolError(
          'not-configured',
          `Line ${line} of ${path} is no caption.`,
          'A line is {"image": …, "caption": …, "ocr": [ … ]}.',
        );
      const { image, caption, ocr } = row.data;
      const parts = typeof ocr === 'string' ? [ocr] : (ocr ?? []);
      const words = parts.map((part) => (typeof part === 'string' ? part : part.text));
      return [imageKey(image), imageInWords({ caption: caption ?? '', ocr: words })];
    }),
  );
}

const imageKey = (name: string): string => name.trim().toLowerCase();

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
      const image = wantedImage(folder, argument, state);
      if (image === undefined) return noImage(argument, state);
      const body = {
        model: entry.model,
        max_tokens: entry.maxTokens,
        temperature: 0,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: entry.prompt },
              {
                type: 'image_url',
                image_url: { url: `data:${image.type};base64,${readFileSync(image.path, 'base64')}` },
              },
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
        : imageFound(text, state);
    },
  };
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
      const kind = imageType(bytes);
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
