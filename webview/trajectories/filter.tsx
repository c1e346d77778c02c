import * as l10n from '@vscode/l10n';
import type { TableSnapshot } from '../../src/protocol/trajectories.ts';
import { visibleLine } from '../../src/core/trajectory/visible.ts';
import { outcomeName } from '../../src/protocol/words.ts';
import { TextField } from '../kit/ui/controls.tsx';

interface Props {
  readonly query: string;
  readonly levels: readonly string[];
  readonly outcomes: TableSnapshot['outcomes'];
  readonly groups: TableSnapshot['groups'];
  readonly onQuery: (query: string) => void;
}

/** The query, and buttons for its most wanted conditions; both say the same. */
export function Filter({ query, levels, outcomes, groups, onQuery }: Props) {
  const conditions = [
    // The first word of an outcome is enough to name it.
    ...(outcomes.length < 2
      ? []
      : outcomes.map((outcome) => ({
          text: `outcome:${outcome.split(' ')[0] ?? ''}`,
          label: outcomeName(outcome),
        }))),
    ...(levels.length < 2 ? [] : levels.slice(0, 6)).map((level) => ({
      text: `level:${quoted(level)}`,
      label: visibleLine(level, 30),
    })),
    ...(groups.length > 1 ? [{ text: 'disagreement>0', label: l10n.t('answers differ') }] : []),
  ];
  return (
    <section class="filter" aria-label={l10n.t('Filter')}>
      <TextField
        label={l10n.t('Find')}
        value={query}
        placeholder={l10n.t('words, or tool:Retrieve steps>5 tokens>2000 time>30')}
        onChange={onQuery}
      />
      <div class="chips" role="group" aria-label={l10n.t('Conditions')}>
        {conditions.map(({ text, label }) => {
          const on = has(query, text);
          return (
            <button
              key={text}
              type="button"
              class={on ? 'chip on' : 'chip'}
              aria-pressed={on}
              onClick={() => {
                onQuery(toggled(query, text));
              }}
            >
              {on ? '✓ ' : ''}
              {label}
            </button>
          );
        })}
      </div>
    </section>
  );
}

function quoted(text: string): string {
  return /^\S+$/.test(text) ? text : `"${text.replaceAll('"', '')}"`;
}

function has(query: string, condition: string): boolean {
  return query.split(/\s+/).includes(condition);
}

/** Of outcomes and levels one is chosen at a time: conditions are all fulfilled, and no trajectory is both. */
function toggled(query: string, condition: string): string {
  const words = query.split(/\s+/).filter((word) => word !== '');
  const name = /^(outcome|level):/.exec(condition)?.[0];
  const others = words.filter((word) => word !== condition && (name === undefined || !word.startsWith(name)));
  return (words.includes(condition) ? others : [...others, condition]).join(' ');
}
