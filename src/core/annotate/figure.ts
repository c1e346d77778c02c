import { visibleLine } from '../trajectory/visible.ts';
import type { StudyAnalysis } from './analyse.ts';

/** Win rates by aspect and method with their intervals, as the paper's Figure 6 shows them; an SVG of its own. */

/** Colours that people with any colour vision can tell apart (Okabe and Ito). */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7a6a00', '#000000', '#999999'];
const left = 240;
const plot = 400;
const right = 110;
const bar = 16;
const gap = 16;

export function winRateFigure(analysis: StudyAnalysis): string {
  const width = left + plot + right;
  const x = (share: number): number => left + share * plot;
  const parts: string[] = [];
  let y = 44;
  for (const aspect of analysis.aspects) {
    const height = aspect.winRates.length * bar;
    parts.push(text(left - 10, y + height / 2 + 4, aspect.title, 'end', 'weight'));
    for (const [i, rate] of aspect.winRates.entries()) {
      const middle = y + i * bar + bar / 2;
      const colour = colours[i % colours.length] ?? '#000000';
      const share = rate.rate ?? 0;
      parts.push(
        `<rect x="${left}" y="${middle - 6}" width="${(share * plot).toFixed(1)}" height="12" fill="${colour}"/>`,
      );
      if (rate.low !== undefined && rate.high !== undefined) {
        const [from, to] = [x(rate.low).toFixed(1), x(rate.high).toFixed(1)];
        parts.push(
          `<path d="M${from} ${middle}H${to}M${from} ${middle - 4}v8M${to} ${middle - 4}v8" stroke="#1f1f1f" stroke-width="1.4" fill="none"/>`,
        );
      }
      const said = rate.rate === undefined ? 'no decision' : `${(share * 100).toFixed(1)} %, n = ${rate.decided}`;
      parts.push(text(Math.max(x(share), x(rate.high ?? 0)) + 6, middle + 4, said, 'start', 'small'));
    }
    y += height + gap;
  }
  const bottom = y - gap + 6;
  const axis = [0, 0.25, 0.5, 0.75, 1].map(
    (at) =>
      `<line x1="${x(at)}" x2="${x(at)}" y1="36" y2="${bottom}" stroke="#c8c8c8" stroke-width="1"/>${text(x(at), bottom + 16, `${at * 100} %`, 'middle', 'small')}`,
  );
  let along = left;
  const legend = analysis.methods.map(({ title }, i) => {
    const name = title.length > 40 ? `${visibleLine(title.slice(0, 39))}…` : visibleLine(title);
    const made = `<rect x="${along}" y="12" width="12" height="12" fill="${colours[i % colours.length]}"/>${text(along + 18, 22, name, 'start', 'small')}`;
    along += 34 + name.length * 7;
    return made;
  });
  const height = bottom + 30;
  const total = Math.max(width, along + 20);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${total}" height="${height}" viewBox="0 0 ${total} ${height}" role="img" aria-label="Win rates by aspect and method" font-family="system-ui, sans-serif">
<rect width="${total}" height="${height}" fill="#ffffff"/>
${[...axis, ...legend, ...parts].join('\n')}
</svg>
`;
}

function text(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end',
  kind: 'small' | 'weight',
): string {
  const style = kind === 'weight' ? 'font-size="13" font-weight="600"' : 'font-size="12"';
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" ${style} fill="#1f1f1f">${escapeXml(visibleLine(content, 60))}</text>`;
}

const escapeXml = (value: string): string => value.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
