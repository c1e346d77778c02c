import * as vscode from 'vscode';
import { commandSpec, type CommandId } from '../contrib/commands.ts';
import { extensionId } from '../contrib/ids.ts';

/** What the manifest holds of a command once VS Code has put in its words; a translated title keeps the English beside it. */
interface Contributed {
  readonly command: string;
  readonly title: string | { readonly value: string };
}

/** A command's title as the palette shows it, in the language of the editor. */
export function commandTitle(id: CommandId): string {
  const manifest = vscode.extensions.getExtension(extensionId)?.packageJSON as
    { readonly contributes?: { readonly commands?: readonly Contributed[] } } | undefined;
  const title = manifest?.contributes?.commands?.find(({ command }) => command === id)?.title;
  return typeof title === 'object' ? title.value : (title ?? commandSpec(id).title);
}
