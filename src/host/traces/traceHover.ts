import * as vscode from 'vscode';
import type { RequestDetail } from '../../core/trajectory/traceDetails.ts';
import type { TraceSpan } from '../../core/trajectory/traceText.ts';
import { agentTitle } from '../../core/trajectory/traceText.ts';
import { visible, visibleLine } from '../../core/trajectory/visible.ts';
import type { LoadedTrace, TraceLoader } from './traceLoader.ts';

/** Characters of a prompt and of a completion that a hover shows; the whole is a lens away. */
const promptShown = 1200;
const answerShown = 2000;

/** What was asked and answered behind a line of a trace: raw, with tokens, time and seed, and how it was read. */
export class TraceHover implements vscode.HoverProvider {
  private readonly loader: TraceLoader;

  constructor(loader: TraceLoader) {
    this.loader = loader;
  }

  async provideHover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | undefined> {
    let loaded: Awaited<ReturnType<TraceLoader['render']>>;
    try {
      loaded = await this.loader.render(document.uri);
    } catch {
      return undefined; // a trace that was saved to a file, or whose run is gone
    }
    const span = loaded.rendered.spans.find(({ line, endLine }) => line <= position.line && position.line <= endLine);
    if (span === undefined) return undefined;
    const range = new vscode.Range(span.line, 0, span.endLine, document.lineAt(span.endLine).text.length);
    return new vscode.Hover(hoverText(loaded.trace, span), range);
  }
}

/** Text of models and tools goes into code blocks alone, where Markdown, links and HTML are nothing but characters. */
function hoverText(trace: LoadedTrace, span: TraceSpan): vscode.MarkdownString[] {
  const note = trace.notes[span.note];
  const texts: vscode.MarkdownString[] = [];
  const parse = {
    ok: vscode.l10n.t('read as it stands'),
    repaired: vscode.l10n.t('repaired'),
    failed: vscode.l10n.t('not readable'),
  }[note?.parse ?? 'ok'];
  const reason = note?.reason === undefined ? '' : `: ${note.reason}`;
  const own = new vscode.MarkdownString();
  own.appendText(
    `${vscode.l10n.t('{0}, step {1}.', span.agent, span.step)} ${note?.parse === undefined ? '' : vscode.l10n.t('Parser: {0}.', visibleLine(`${parse}${reason}`, 300))}`,
  );
  texts.push(own);
  if (trace.details === undefined) {
    own.appendText(` ${vscode.l10n.t('This trajectory comes from a file, which keeps no prompts, tokens or times.')}`);
    return texts;
  }
  const requests = trace.details.ofNote[span.note] ?? [];
  const ofAgent = requests.filter(({ asked }) =>
    asked.kind === 'tool' ? span.agent === 'Environment' : agentTitle(asked.role) === span.agent,
  );
  for (const request of ofAgent.length > 0 ? ofAgent : requests) texts.push(requestText(request));
  return texts;
}

function requestText({ i, ms, asked, answer }: RequestDetail): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  if (asked.kind === 'tool') {
    text.appendText(
      vscode.l10n.t(
        'Request {0}: tool {1}, {2} ms, {3}',
        i,
        visibleLine(asked.tool, 80),
        Math.round(ms),
        asked.outcome,
      ),
    );
    text.appendCodeblock(block(asked.argument, promptShown), 'text');
  } else {
    const role = visibleLine(asked.role, 40);
    const who = asked.model === undefined ? role : vscode.l10n.t('{0}, model {1}', role, visibleLine(asked.model, 120));
    text.appendText(
      vscode.l10n.t(
        'Request {0}: {1}, asked of {2}. {3} + {4} tokens, {5} ms, seed {6}, temperature {7}, ended by {8}.',
        i,
        visibleLine(asked.purpose, 80),
        who,
        asked.promptTokens,
        asked.completionTokens,
        Math.round(ms),
        asked.seed,
        asked.temperature,
        asked.finish,
      ),
    );
    text.appendMarkdown(`\n\n${vscode.l10n.t('End of the prompt:')}`);
    const prompt = asked.prompt.length > promptShown ? `…${asked.prompt.slice(-promptShown)}` : asked.prompt;
    text.appendCodeblock(block(prompt, promptShown + 1), 'text');
  }
  text.appendMarkdown(
    asked.kind === 'tool' ? `\n\n${vscode.l10n.t('Answer:')}` : `\n\n${vscode.l10n.t('Raw completion:')}`,
  );
  text.appendCodeblock(block(answer, answerShown), 'text');
  return text;
}

function block(text: string, limit: number): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return visible(cut);
}
