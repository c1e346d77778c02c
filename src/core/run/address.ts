/**
 * Whether an address carries a user or a password (`http://user:password@host`). Addresses are written to run folders,
 * logs and messages, so none may: a key is named by its environment variable, or kept by the editor.
 */
export function carriesCredentials(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { username, password } = new URL(address);
  return username !== '' || password !== '';
}

export const noCredentials =
  'an address without user and password, since it is written to every run: name the key by apiKeyVariable';
