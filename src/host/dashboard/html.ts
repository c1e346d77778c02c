import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/**
 * The page of every webview. The nonce also goes into the `csp-nonce` property, without which the toolkit's components
 * add styles that the policy blocks and show focus rings on every click (toolkit issue 545).
 */
export function webviewHtml(webview: vscode.Webview, folder: vscode.Uri, name: string, title: string): string {
  const nonce = randomBytes(16).toString('base64');
  const uri = (file: string): string => webview.asWebviewUri(vscode.Uri.joinPath(folder, file)).toString();
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `img-src ${webview.cspSource} data:`,
    `font-src ${webview.cspSource}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escapeHtml(vscode.env.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${uri(`${name}.css`)}">
</head>
<body>
<div id="root"></div>
${words()}<noscript>${escapeHtml(vscode.l10n.t('This view needs scripts.'))}</noscript>
<script nonce="${nonce}" src="${uri('kit.js')}"></script>
<script nonce="${nonce}" src="${uri(`${name}.js`)}"></script>
</body>
</html>`;
}

/** The editor's bundle as data that the panel reads (`webview/kit/language.ts`); nothing in English. */
function words(): string {
  const { bundle } = vscode.l10n;
  if (bundle === undefined) return '';
  // No text of a translation can end the element.
  const data = JSON.stringify(bundle).replaceAll('<', '\\u003c');
  return `<script type="application/json" id="words">${data}</script>\n`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
