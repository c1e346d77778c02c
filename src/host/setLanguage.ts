import * as l10n from '@vscode/l10n';
import * as vscode from 'vscode';

// Imported before all else, so that words which a file keeps in a constant are translated as well.
if (vscode.l10n.bundle !== undefined) l10n.config({ contents: vscode.l10n.bundle });
