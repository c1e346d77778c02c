import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const sftpServer = [
  '/usr/lib/openssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
  '/usr/libexec/sftp-server',
  '/usr/lib/ssh/sftp-server',
].find((path) => existsSync(path));
/** For `it(…, { skip })`: a reason, or false. */
export const withoutSftpServer: string | false = sftpServer === undefined && "OpenSSH's sftp-server is not installed";

/** By its whole path: sshd gives sessions a PATH of its own. */
const pathOf = (name: string): string =>
  spawnSync('/bin/sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).stdout.trim();

/** For `it(…, { skip })`: a reason, or false. */
export const withoutShell = (name: string): string | false => pathOf(name) === '' && `${name} is not installed`;

/** What each shell reads before it runs a command that sshd hands it; sh reads nothing. */
const rcFiles: Readonly<Record<string, string>> = {
  bash: '.bashrc',
  tcsh: '.tcshrc',
  fish: join('.config', 'fish', 'config.fish'),
};

export interface LoginShellOptions {
  /** SFTP goes through the shell as well, as sshd does it with a subsystem that is a program. */
  readonly sftp?: boolean;
  /** It also reads what is meant for the command. */
  readonly reads?: boolean;
}

/**
 * A login shell whose rc files print on both outputs, as a program for sshd's ForceCommand: tests cannot change the
 * shell of the user who runs them.
 */
export function talkativeShell(folder: string, shell: string, options: LoginShellOptions = {}): string {
  const home = join(folder, `home-${shell}`);
  const rc = rcFiles[shell];
  const prints = "echo 'Welcome! Disk quota: 97 %'; sh -c 'echo warning: quota >&2'\n";
  if (rc !== undefined) {
    mkdirSync(dirname(join(home, rc)), { recursive: true });
    writeFileSync(join(home, rc), prints);
  }
  const script = join(folder, `login-${shell}${options.sftp === true ? '-sftp' : ''}`);
  const lines = [
    '#!/bin/sh',
    'command=$SSH_ORIGINAL_COMMAND',
    `if [ "$command" = internal-sftp ]; then command=${sftpServer ?? ''}; ${options.sftp === true ? ':' : 'exec "$command"'}; fi`,
    ...(rc === undefined ? [prints.trim()] : [`HOME=${home}; unset SHLVL XDG_CONFIG_HOME; export HOME`]),
    ...(options.reads === true ? ['cat >/dev/null'] : []),
    `exec ${pathOf(shell)} -c "$command"`,
  ];
  writeFileSync(script, `${lines.join('\n')}\n`, { mode: 0o700 });
  return script;
}
