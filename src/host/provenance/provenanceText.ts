import * as l10n from '@vscode/l10n';
import { explain } from '../../core/pipeline/provenance.ts';
import type { Explanation, ProvenanceProducts } from '../../core/pipeline/provenance.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';

/**
 * Where a thing of a run came from and what became of it, as Markdown. Ids stand in backquotes; the editor makes them
 * links, so that from any of them the reader reaches the others.
 */

export interface ProvenanceInput {
  readonly run: string;
  /** An instance, trajectory, training row, adapter, answer or seed example. */
  readonly id: string;
  readonly products: ProvenanceProducts;
  readonly adaptersBySystem: Readonly<Record<string, readonly string[]>>;
  /** Models that answered this item, by role. */
  readonly models: readonly { readonly role: string; readonly model: string; readonly calls: number }[];
}

const shownIds = 25;
/** Generations further away are one click away anyway. */
const shownAncestors = 40;

const link = (id: string): string => `\`${visibleLine(id, 200).replaceAll('`', "'")}\``;

function idList(ids: readonly string[]): string {
  const rest = ids.length - shownIds;
  const shown = ids.slice(0, shownIds).map(link).join(', ');
  return rest > 0 ? l10n.t('{0}, and {1} more', shown, rest) : shown;
}

function section(explanation: Explanation): string[] {
  return [
    `## ${explanation.kind.charAt(0).toUpperCase()}${explanation.kind.slice(1)} ${link(explanation.id)}`,
    '',
    ...explanation.facts.map((fact) => `- ${visibleLine(fact, 1000)}`),
    `- ${l10n.t('Comes from: {0}', explanation.from.length === 0 ? l10n.t('nothing before it') : idList(explanation.from))}`,
    `- ${l10n.t('Led to: {0}', explanation.to.length === 0 ? l10n.t('nothing (yet)') : idList(explanation.to))}`,
    '',
  ];
}

export function provenanceText(input: ProvenanceInput): string {
  const { products, adaptersBySystem, id } = input;
  const about = (one: string): Explanation[] => explain(one, products, adaptersBySystem);
  const found = about(id);
  const lines = [`# ${l10n.t('Provenance of {0}', link(id))}`, '', l10n.t('Run {0}.', input.run), ''];
  if (found.length === 0) {
    lines.push(
      l10n.t(
        'Nothing is known of it yet. Instances are known once self-instruct is done, trajectories once they were judged, answers once the evaluation was scored.',
      ),
      '',
    );
  }
  for (const explanation of found) lines.push(...section(explanation));

  const seen = new Set<string>([id]);
  let generation = [...new Set(found.flatMap((each) => each.from))];
  const ancestors: string[] = [];
  while (generation.length > 0 && seen.size <= shownAncestors) {
    const next = new Set<string>();
    for (const ancestor of generation) {
      if (seen.has(ancestor) || seen.size > shownAncestors) continue;
      seen.add(ancestor);
      for (const explanation of about(ancestor)) {
        ancestors.push(
          `- ${explanation.kind} ${link(explanation.id)}: ${visibleLine(explanation.facts.join(' '), 300)}`,
        );
        for (const from of explanation.from) next.add(from);
      }
    }
    generation = [...next];
  }
  if (ancestors.length > 0) lines.push(`## ${l10n.t('All that stands behind it')}`, '', ...ancestors, '');
  if (input.models.length > 0) {
    lines.push(`## ${l10n.t('Who answered')}`, '');
    for (const { role, model, calls } of input.models) {
      const times = calls === 1 ? l10n.t('1 call') : l10n.t('{0} calls', calls);
      lines.push(`- ${visibleLine(role, 60)}: ${visibleLine(model, 200)}, ${times}`);
    }
    lines.push('');
  }
  return lines.join('\n');
}
