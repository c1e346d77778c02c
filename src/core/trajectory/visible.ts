/**
 * Text from models and tools is hostile until shown otherwise: escape sequences can drive a terminal, bidirectional
 * marks can reorder a line (Trojan Source), and a line of a megabyte can freeze an editor. What a reader sees is made
 * safe here and nowhere else; what is stored stays as it was.
 */

/** Longest line that a trace shows, in UTF-16 code units. VS Code stops tokenising at 20 000. */
export const maxLineLength = 4000;

/**
 * Characters that a reader does not see, or that move what is seen: controls except tab and line feed; soft hyphen;
 * zero-width and bidirectional marks; line and paragraph separators; lone surrogates; byte-order mark; the tag block,
 * which is invisible and carries ASCII.
 */
export const invisible =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udfff]/g;

/** Shows control characters, bidirectional marks and other invisible characters as `\u{…}`. Tab and line feed stay. */
export function visible(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(invisible, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}}`);
}

/** Cuts a line that is too long and says by how much. */
export function cutLine(line: string, limit = maxLineLength): string {
  if (line.length <= limit) return line;
  // Not in the middle of a surrogate pair.
  const end = /[\ud800-\udbff]/.test(line.charAt(limit - 1)) ? limit - 1 : limit;
  return `${line.slice(0, end)} … [cut here: ${(line.length - end).toLocaleString('en-US')} more characters]`;
}

/** Both, for text that is shown on one line: line feeds become `⏎`. */
export function visibleLine(text: string, limit = maxLineLength): string {
  return cutLine(visible(text).replace(/\n/g, ' ⏎ '), limit);
}
