import * as l10n from '@vscode/l10n';

// Imported before all else, so that words which a file keeps in a constant are translated as well. The page holds the
// editor's bundle as data; in English there is none.
const words = document.getElementById('words')?.textContent;
if (words) l10n.config({ contents: words });
