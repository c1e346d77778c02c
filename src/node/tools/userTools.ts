import { spawn } from 'node:child_process';
import type * as z from 'zod';
import type { ToolProvider } from '../../core/tools/provider.ts';
import type { DescribedTool } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { describeUserTool, pick, placeholder, UserTool } from '../../core/tools/userTool.ts';
import { readText } from '../store/readText.ts';
import { findApproval, fingerprint } from './approvals.ts';
import { fileOf } from './fileOf.ts';
import type { ToolPlace } from './provide.ts';
import { askWeb } from './webRequest.ts';

const argumentLimit = 4000;
const outputLimit = 200_000;

/** What the user approves: the description as it is read, and the hash that stands for it. @throws ToolError */
export function readUserTool(
  entry: z.infer<typeof DescribedTool>,
  place: ToolPlace,
): { readonly tool: UserTool; readonly sha256: string } {
  const path = fileOf(place.folder, entry.file);
  let parsed;
  try {
    parsed = UserTool.safeParse(JSON.parse(readText(path)));
  } catch {
    throw new ToolError(
      'not-configured',
      `${path} is not JSON.`,
      'It describes a tool: name, argument, definition, usage, and a command or http.',
    );
  }
  if (!parsed.success)
    throw new ToolError(
      'not-configured',
      `${path} describes no tool: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim()).join('; ')}.`,
      'Mend the description.',
    );
  const tool = parsed.data;
  if (tool.name !== entry.tool)
    throw new ToolError(
      'not-configured',
      `${path} describes ${tool.name} and not ${entry.tool}.`,
      'Use the same name in both.',
    );
  return { tool, sha256: fingerprint(tool, tool.command ?? [], place.folder) };
}

/** A tool of the user's own, once they have approved it. @throws ToolError `not-approved` */
export function userTool(entry: z.infer<typeof DescribedTool>, place: ToolPlace): ToolProvider {
  const { tool, sha256 } = readUserTool(entry, place);
  if (findApproval(sha256, place.approvals) === undefined)
    throw notApproved(
      entry.tool,
      tool.command === undefined ? `calls ${tool.http?.url ?? ''}` : `runs ${tool.command.join(' ')}`,
    );
  const key = keyOf(tool, place);
  return {
    description: describeUserTool(tool),
    provider: `${entry.file} (${sha256.slice(0, 12)})`,
    maxChars: entry.maxChars,
    call: async (argument, state, signal) => {
      const text = argument
        .replace(/\p{Cc}+/gu, ' ')
        .trim()
        .slice(0, argumentLimit);
      const said =
        tool.command === undefined
          ? await callHttp(tool, text, key, place, signal)
          : await runCommand(tool, tool.command, text, key, place, signal);
      return { ...said, state };
    },
  };
}

export function notApproved(name: string, what: string): ToolError {
  return new ToolError(
    'not-approved',
    `${name} ${what}, and you have not approved it as it is now.`,
    `Read it, and approve it with: autoact tools --task FILE --approve ${name}`,
  );
}

function keyOf(tool: UserTool, { secret }: ToolPlace): string {
  if (tool.apiKeyVariable === undefined) return '';
  const key = secret(tool.apiKeyVariable);
  if (key === undefined || key === '')
    throw new ToolError(
      'not-configured',
      `${tool.name} needs a key, and ${tool.apiKeyVariable} holds none.`,
      `Set ${tool.apiKeyVariable}, or in the editor: "AutoAct: Set API Key of a Tool…".`,
    );
  return key;
}

type Said = { readonly text: string; readonly outcome: 'hit' | 'miss' };

async function callHttp(
  tool: UserTool,
  argument: string,
  key: string,
  place: ToolPlace,
  signal: AbortSignal,
): Promise<Said> {
  const { http } = tool;
  if (http === undefined) return { text: '', outcome: 'miss' };
  // Dots alone would climb out of the path that the description names.
  if (/^\.{1,2}$/.test(argument)) return { text: `${tool.name} does not take "${argument}".`, outcome: 'miss' };
  const { body, contentType } = await askWeb(
    {
      name: tool.name,
      url: new URL(http.url.replaceAll(placeholder, () => encodeURIComponent(argument))),
      method: http.method,
      headers: {
        'user-agent': `AutoAct/${place.version}`,
        ...(http.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...Object.fromEntries(
          Object.entries(http.headers).map(([name, value]) => [name, value.replaceAll('{{key}}', () => key)]),
        ),
      },
      ...(http.body === undefined
        ? {}
        : { body: http.body.replaceAll(placeholder, () => JSON.stringify(argument).slice(1, -1)) }),
      timeoutSeconds: tool.timeoutSeconds,
    },
    signal,
  );
  const text = body.toString('utf8');
  if (http.pick === undefined) return { text, outcome: text.trim() === '' ? 'miss' : 'hit' };
  try {
    const value = pick(JSON.parse(text), http.pick);
    if (value === undefined || value === null) return { text: `${tool.name} found nothing.`, outcome: 'miss' };
    return { text: typeof value === 'string' ? value : JSON.stringify(value), outcome: 'hit' };
  } catch {
    throw new ToolError(
      'bad-response',
      `${tool.name} answered no JSON but ${contentType}.`,
      'Mend "pick" in its description.',
    );
  }
}

/** Of our own environment a command gets what programs need to start, and the key that its description names. */
const passedOn = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'TEMP',
  'TMP',
  'SystemRoot',
  'USERPROFILE',
  'APPDATA',
  'PATHEXT',
];

function runCommand(
  tool: UserTool,
  command: readonly string[],
  argument: string,
  key: string,
  place: ToolPlace,
  signal: AbortSignal,
): Promise<Said> {
  const inArguments = command.includes(placeholder);
  // A program would read it as an option.
  if (inArguments && argument.startsWith('-'))
    return Promise.resolve({ text: `${tool.name} takes no argument that begins with "-".`, outcome: 'miss' });
  const [program = '', ...rest] = command.map((part) => (part === placeholder ? argument : part));
  const env = Object.fromEntries(
    passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  return new Promise((resolve, reject) => {
    const ownGroup = process.platform !== 'win32';
    const child = spawn(program, rest, {
      cwd: place.folder,
      env: { ...env, ...(tool.apiKeyVariable === undefined ? {} : { [tool.apiKeyVariable]: key }) },
      stdio: ['pipe', 'pipe', 'pipe'],
      shell: false,
      detached: ownGroup, // so that what it starts ends with it
      windowsHide: true,
    });
    let out = '';
    let err = '';
    let late = false;
    const end = (): void => {
      try {
        if (ownGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        else child.kill('SIGKILL');
      } catch {
        // It has ended already.
      }
    };
    const timer = setTimeout(() => {
      late = true;
      end();
    }, tool.timeoutSeconds * 1000);
    signal.addEventListener('abort', end, { once: true });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (out.length < outputLimit) out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err = (err + text).slice(-1000);
    });
    child.stdin.on('error', () => undefined); // It need not read.
    child.stdin.end(inArguments ? '' : argument);
    const done = (work: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      work();
    };
    child.once('error', (error) =>
      done(() =>
        reject(
          new ToolError('not-configured', `${tool.name} cannot be started: ${error.message}.`, 'Correct its command.'),
        ),
      ),
    );
    child.once('close', (code) =>
      done(() => {
        if (signal.aborted) reject(signal.reason as Error);
        else if (late)
          resolve({ text: `${tool.name} was stopped after ${tool.timeoutSeconds} seconds.`, outcome: 'miss' });
        else if (code === 0) resolve({ text: out, outcome: out.trim() === '' ? 'miss' : 'hit' });
        else resolve({ text: `${tool.name} ended with code ${code ?? 'none'}. ${err.trim()}`, outcome: 'miss' });
      }),
    );
  });
}
