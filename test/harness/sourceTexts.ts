import { readFileSync } from 'node:fs';
import * as ts from 'typescript';
import { inRoot } from '../../scripts/lib/project.mjs';

/** Where a text stands, as `path:line`. */
interface Place {
  readonly at: string;
}
/** A call of `l10n.t`; the message is undefined where it is not one plain literal. */
export interface TranslatedText extends Place {
  readonly message: string | undefined;
  /** How the literal is written, with its quotes. */
  readonly written: string;
  readonly values: number;
}
export interface BareText extends Place {
  readonly text: string;
}

/** Properties that the editor shows. */
const shownProperties =
  /^(title|(aria-)?label|description|detail|tooltip|place[hH]older|prompt|openLabel|saveLabel|remedy|problem|activity|said|name|invalid|message|does)$/;
/** What is called with texts that the editor shows. */
const shownCalls =
  /(^|\.)(show(Information|Warning|Error)Message|setStatusBarMessage|createTestRun|appendMarkdown|appendText|UserError|TestMessage|TreeItem)$/;
/** What is called with texts that nobody is shown: the log and errors of the program itself stay English. */
const hiddenCalls =
  /(^|\.)(onInvalid|querySelector|querySelectorAll|closest|matches|log\??\.(info|warn|error|debug|trace|append|appendLine)|Error|ThemeIcon|ThemeColor|RegExp|RelativePattern|executeCommand|getConfiguration|findFiles|includes|startsWith|endsWith|join)$/;

/** Icons, and names that no language changes. */
const sameEverywhere =
  /\$\([\w~-]+\)|AutoAct|VS Code|HotpotQA|ScienceQA|Label Studio|[A-Z]+_API_KEY|https:\/\/\S+|[\w-]+\.example\.\w+/g;

const phrase = /\p{L}{2,}[,;:.]? \p{L}/u;
const word = /\p{L}{2}/u;

const isCall = (node: ts.Node): node is ts.CallExpression | ts.NewExpression =>
  ts.isCallExpression(node) || ts.isNewExpression(node);
const isTranslation = (node: ts.Node): node is ts.CallExpression =>
  ts.isCallExpression(node) && /(^|\.)l10n\.t$/.test(node.expression.getText());

function parse(path: string): ts.SourceFile {
  const kind = path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  return ts.createSourceFile(path, readFileSync(inRoot(path), 'utf8'), ts.ScriptTarget.Latest, true, kind);
}

function visit(path: string, each: (node: ts.Node, at: string) => void): void {
  const file = parse(path);
  const walk = (node: ts.Node): void => {
    each(node, `${path}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`);
    ts.forEachChild(node, walk);
  };
  walk(file);
}

/** Every call of `l10n.t` in a file. */
export function translatedTexts(path: string): TranslatedText[] {
  const found: TranslatedText[] = [];
  visit(path, (node, at) => {
    if (!isTranslation(node)) return;
    const [first, ...values] = node.arguments;
    const plain = first !== undefined && ts.isStringLiteral(first) ? first : undefined;
    found.push({ at, message: plain?.text, written: first?.getText() ?? '', values: values.length });
  });
  return found;
}

/** Texts of a file that read as words for people and do not go through `l10n.t`. */
export function bareTexts(path: string): BareText[] {
  const found: BareText[] = [];
  visit(path, (node, at) => {
    const text = textOf(node);
    if (text !== undefined && isShown(node, text.replace(sameEverywhere, ''))) found.push({ at, text });
  });
  return found;
}

function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isJsxText(node)) return node.text.trim();
  if (!ts.isTemplateExpression(node)) return undefined;
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…');
}

/** Follows a text outwards to what becomes of it. */
function isShown(text: ts.Node, written: string): boolean {
  if (ts.isJsxText(text)) return word.test(written);
  let node = text;
  for (;;) {
    const { parent } = node;
    if (ts.isBinaryExpression(parent) && /^([=!]==|in)$/.test(parent.operatorToken.getText())) return false;
    if (ts.isConditionalExpression(parent) && parent.condition === node) return false;
    if (ts.isPropertyAssignment(parent))
      return parent.initializer === node && (phrase.test(written) || (shows(parent.name) && word.test(written)));
    if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken)
      return (
        phrase.test(written) ||
        (ts.isPropertyAccessExpression(parent.left) && shows(parent.left.name) && word.test(written))
      );
    if (ts.isJsxAttribute(parent)) return shows(parent.name) && word.test(written);
    // What stands in braces between elements, or is the value of an attribute.
    if (ts.isJsxExpression(parent) && !ts.isJsxAttribute(parent.parent)) return word.test(written);
    if (isCall(parent)) {
      const callee = parent.expression.getText();
      if (isTranslation(parent)) return parent.arguments[0] !== node && word.test(written);
      if (hiddenCalls.test(callee)) return false;
      return phrase.test(written) || (shownCalls.test(callee) && word.test(written));
    }
    const passes =
      ts.isConditionalExpression(parent) ||
      ts.isBinaryExpression(parent) ||
      ts.isParenthesizedExpression(parent) ||
      ts.isTemplateSpan(parent) ||
      ts.isTemplateExpression(parent) ||
      ts.isJsxExpression(parent) ||
      ts.isArrayLiteralExpression(parent) ||
      ts.isSpreadElement(parent) ||
      ts.isAsExpression(parent) ||
      ts.isSatisfiesExpression(parent);
    if (!passes) return phrase.test(written) && !ts.isImportDeclaration(parent) && !ts.isLiteralTypeNode(parent);
    node = parent;
  }
}

const shows = (name: ts.Node): boolean => shownProperties.test(name.getText());
