/** One argument for a POSIX shell: nothing in it has a meaning to the shell. @throws RangeError for a NUL character. */
export function shellQuote(argument: string): string {
  if (argument.includes('\0')) throw new RangeError('An argument of a command cannot hold a NUL character.');
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

/** Characters that every login shell leaves alone between single quotes, and printf's %b too. */
const plain = /[A-Za-z0-9 _./:=,@%+-]/;
/** csh refuses words over about 1000 characters. */
const pieceLimit = 400;
/** Linux takes 128 KiB in one argument, and the login shell gets all of it as one. */
const commandLimit = 120_000;

/**
 * Wraps a script for /bin/sh so that a login shell of any kind hands it over unchanged. sshd passes a command to the
 * user's login shell, which may be csh (where `!` and line ends keep a meaning between single quotes) or fish (where a
 * backslash does); so the script travels as octal escapes that printf turns back. `exec` lets it take the login shell's
 * process, which leads the session: dash would stay in between, hide by which signal the program ended, and keep it out
 * of the process group that a cancel ends.
 * @throws RangeError when it is too long for an argument
 */
export function loginShellCommand(script: string): string {
  const pieces: string[] = [];
  let piece = '';
  for (const byte of Buffer.from(script)) {
    const character = String.fromCharCode(byte);
    const unit = plain.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
    if (piece.length + unit.length > pieceLimit) {
      pieces.push(piece);
      piece = '';
    }
    piece += unit;
  }
  pieces.push(piece);
  const command = `exec /bin/sh -c 'eval "$(printf %b "$@")"' sh ${pieces.map((text) => `'${text}'`).join(' ')}`;
  if (command.length > commandLimit) throw new RangeError('The command is too long to be sent to a remote shell.');
  return command;
}
