import { invisible } from '../trajectory/visible.ts';
import { quoteLabels } from '../trajectory/transcript.ts';

/**
 * What a tool returns comes from outside and stands in the history of steps that an agent goes on with. Here it is made
 * into plain lines that can neither open a step, nor reach a terminal, nor be read by a server's tokeniser as the end of
 * a turn. Text that is plain already comes out as it went in.
 */

/** Most characters of an observation where a tool's configuration says nothing else (methods 1.4). */
export const observationLimit = 1000;
const cutMark = ' …[cut]';
/** Work on a hostile megabyte is bounded before anything else is done with it. */
const rawLimit = 200_000;

// CSI, OSC, the other string sequences, two-character escapes, and CSI as one character.
const terminalSequences =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]?|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[PX^_][^\u001b]*(?:\u001b\\)?|[@-Z\\-_])|\u009b[0-?]*[ -/]*[@-~]?/g;
const lineEnds = /\r\n|[\r\n\v\f\u0085\u2028\u2029]/g;

/** Labels of steps and of turns in chats, however they are dressed up. What stands quoted already is left. */
const label =
  /^(?!> )[\s>*_#`"'([{|~+.\-–—•:\d]*(?:thought|action|observation|question|reflection|response|assistant|user|system|human)\s*\d*[*_`"')\]]*\s*[:：]/iu;

/** Words that tokenisers turn into the marks of a chat template. A space takes that meaning from them. */
const templateMarks: readonly (readonly [RegExp, string])[] = [
  [/<(?=[|｜])/g, '< '],
  [/([|｜])>/g, '$1 >'],
  [/<(\/?(?:s|unk|pad|bos|eos|mask|think|(?:start|end)_of_turn|tool_(?:call|response)s?))>/gi, '< $1 >'],
  [/\[(\/?(?:INST|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS|SYSTEM_PROMPT))\]/g, '[ $1 ]'],
  [/<<(\/?SYS)>>/g, '< <$1> >'],
];

/** @param limit characters of the result, at most */
export function cleanObservation(raw: string, limit = observationLimit): string {
  let text = raw.slice(0, rawLimit).replace(terminalSequences, '').replace(lineEnds, '\n').replace(/\t/g, ' ');
  // Before labels and marks are looked for: an invisible character inside must not hide one.
  text = text.replace(invisible, '');
  for (const [mark, harmless] of templateMarks) text = text.replace(mark, harmless);
  const lines = text.split('\n').map((line) => (label.test(line) ? `> ${line.trimStart()}` : line));
  return cutText(quoteLabels(lines.join('\n')), limit);
}

/** A cut is always visible, so that nobody takes the rest for the whole. */
export function cutText(text: string, limit = observationLimit): string {
  if (text.length <= limit) return text;
  let end = limit - cutMark.length;
  if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end--; // not in the middle of a surrogate pair
  return text.slice(0, end) + cutMark;
}

/** One line for a prompt: descriptions of tools come from outside too. */
export function cleanLine(raw: string, limit: number): string {
  return cutText(cleanObservation(raw, rawLimit).replace(/\s+/g, ' ').trim(), limit);
}
