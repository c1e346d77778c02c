import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { PromptError } from '../../core/prompts/template.ts';
import type { PromptTemplate } from '../../core/prompts/template.ts';
import { readText } from './readText.ts';

const frontMatter = z.object({
  name: z.string().min(1),
  version: z.number().int().positive(),
  inputs: z.array(z.string()),
  about: z.string().optional(),
});

/**
 * Reads every `*.md` prompt of a folder; those of `overrides` (a workspace's own) take the place of the ones with
 * the same name.
 * @throws PromptError `malformed-file` when a file has no front matter, or one that does not fit.
 */
export function loadPrompts(folder: string, overrides?: string): Map<string, PromptTemplate> {
  const prompts = new Map<string, PromptTemplate>();
  for (const from of [folder, overrides]) {
    if (from === undefined || (from === overrides && !existsSync(from))) continue;
    for (const file of readdirSync(from)
      .filter((name) => name.endsWith('.md'))
      .sort()) {
      const path = join(from, file);
      const prompt = parsePrompt(readText(path), path);
      prompts.set(prompt.name, prompt);
    }
  }
  return prompts;
}

/** Parses one prompt file. The line's end that closes the file is no part of the prompt. */
export function parsePrompt(content: string, path: string): PromptTemplate {
  const parts = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(content.replaceAll('\r\n', '\n'));
  if (!parts) {
    throw new PromptError(
      'malformed-file',
      `Prompt file ${path} does not begin with front matter between two lines of "---". Add name, version and inputs there.`,
    );
  }
  const head = frontMatter.safeParse(yamlOf(parts[1] ?? '', path));
  if (!head.success)
    throw new PromptError(
      'malformed-file',
      `The front matter of prompt file ${path} does not fit: ${z.prettifyError(head.error)}`,
    );
  const { name, version, inputs } = head.data;
  return { name, version, inputs, text: (parts[2] ?? '').replace(/\n$/, '') };
}

function yamlOf(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new PromptError(
      'malformed-file',
      `The front matter of prompt file ${path} is no YAML: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
