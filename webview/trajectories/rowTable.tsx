import * as l10n from '@vscode/l10n';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { visibleLine } from '../../src/core/trajectory/visible.ts';
import type { SortKey, TableRow, TableSnapshot, TableView } from '../../src/protocol/trajectories.ts';
import { outcomeName } from '../../src/protocol/words.ts';
import { compact, integer } from '../kit/format.ts';
import { useAsk } from './context.ts';
import { useRows } from './useRows.ts';

interface Props {
  readonly snapshot: TableSnapshot;
  readonly view: TableView;
  /** The two groups that are compared; undefined when there is one. */
  readonly compareWith: readonly [string, string] | undefined;
  readonly onSort: (key: SortKey) => void;
}

interface Column {
  readonly title: string;
  /** A track of the CSS grid. */
  readonly width: string;
  readonly numeric?: boolean;
  readonly text: (row: TableRow) => string;
}

const none = '–';
const signs: Readonly<Record<TableRow['outcome'], string>> = {
  right: '✓',
  'partly right': '◐',
  wrong: '✗',
  'not scored': '•',
  failed: '!',
  open: '…',
  unreadable: '?',
};
const columns: Readonly<Record<SortKey, Column>> = {
  order: { title: '#', width: '4.5em', numeric: true, text: (row) => integer(row.row + 1) },
  title: {
    title: l10n.t('Question'),
    width: 'minmax(12em, 3fr)',
    text: (row) => (row.title === '' ? row.id : row.title),
  },
  group: { title: l10n.t('Group'), width: 'minmax(6em, 1fr)', text: (row) => row.group },
  level: { title: l10n.t('Level'), width: '5.5em', text: (row) => (row.level === '' ? none : row.level) },
  outcome: {
    title: l10n.t('Outcome'),
    width: '8.5em',
    text: (row) => `${signs[row.outcome]} ${outcomeName(row.outcome)}`,
  },
  reward: { title: l10n.t('Reward'), width: '5.5em', numeric: true, text: (row) => row.reward?.toFixed(2) ?? none },
  steps: { title: l10n.t('Steps'), width: '4.5em', numeric: true, text: (row) => integer(row.steps) },
  tools: {
    title: l10n.t('Tools'),
    width: 'minmax(7em, 1fr)',
    text: (row) => (row.tools.length === 0 ? none : row.tools.join(', ')),
  },
  tokens: {
    title: l10n.t('Tokens'),
    width: '5.5em',
    numeric: true,
    text: (row) => (row.tokens === null ? none : compact(row.tokens)),
  },
  ms: {
    title: l10n.t('Time'),
    width: '5em',
    numeric: true,
    text: (row) => (row.ms === null ? none : `${(row.ms / 1000).toFixed(1)} s`),
  },
  disagreement: {
    title: l10n.t('Differ'),
    width: '5em',
    numeric: true,
    text: (row) => (row.disagreement === null ? none : `${Math.round(row.disagreement * 100)} %`),
  },
};

const rowHeight = 24;
/** Rows beyond the edges, so that a quick scroll shows no gap. */
const overscan = 12;

/** A table of any length: only the rows in sight are in the page. One stop of the tab key; arrows move within. */
export function RowTable({ snapshot, view, compareWith, onSort }: Props) {
  const ask = useAsk();
  const scroller = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(480);
  const [active, setActive] = useState(0);
  const first = Math.max(0, Math.floor(top / rowHeight) - overscan);
  const last = Math.ceil((top + height) / rowHeight) + overscan;
  const rows = useRows(view, snapshot.revision, first, last);
  const shown = snapshot.columns.map((key) => ({ key, ...columns[key] }));
  const template = shown.map(({ width }) => width).join(' ');
  const viewKey = JSON.stringify(view);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => {
      setHeight(element.clientHeight);
    });
    observer.observe(element);
    setHeight(element.clientHeight);
    return () => {
      observer.disconnect();
    };
  }, []);
  useEffect(() => {
    setActive(0);
    if (scroller.current !== null) scroller.current.scrollTop = 0;
  }, [viewKey]);

  const total = rows.total;
  const go = (index: number): void => {
    const next = Math.max(0, Math.min(total - 1, index));
    setActive(next);
    const element = scroller.current;
    if (element === null) return;
    const y = next * rowHeight;
    // The header covers the first row's height.
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + 2 * rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = y + 2 * rowHeight - element.clientHeight;
  };
  const open = (index: number): void => {
    const row = rows.at(index);
    if (row !== undefined) void ask('open', { row: row.row, query: view.query });
  };
  const compare = (index: number): void => {
    const row = rows.at(index);
    if (row === undefined || compareWith === undefined) return;
    const own = JSON.stringify([row.source, row.group]);
    void ask('compare', { row: row.row, with: own === compareWith[0] ? compareWith[1] : compareWith[0] });
  };
  const onKey = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(height / rowHeight) - 2);
    const actions: Readonly<Record<string, () => void>> = {
      ArrowDown: () => {
        go(active + 1);
      },
      ArrowUp: () => {
        go(active - 1);
      },
      PageDown: () => {
        go(active + page);
      },
      PageUp: () => {
        go(active - page);
      },
      Home: () => {
        go(0);
      },
      End: () => {
        go(total - 1);
      },
      Enter: () => {
        open(active);
      },
      c: () => {
        compare(active);
      },
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };

  const indexes: number[] = [];
  for (let i = first; i < Math.min(last, total); i++) indexes.push(i);
  const hint =
    compareWith === undefined
      ? l10n.t('Enter opens a trace')
      : l10n.t('Enter opens a trace, C compares it with the other group');
  const found = rows.cut
    ? l10n.t('{0} of {1} trajectories (the search stopped here; say more)', integer(total), integer(snapshot.total))
    : l10n.t('{0} of {1} trajectories', integer(total), integer(snapshot.total));
  return (
    <section class="list" aria-label={l10n.t('Trajectories')}>
      <p class="status" role="status">
        {rows.waiting ? l10n.t('Looking …') : `${found}. ${hint}.`}
        {rows.problems.map((problem) => ` ${problem}.`).join('')}
      </p>
      <div
        class="rows"
        ref={scroller}
        role="grid"
        tabIndex={0}
        aria-label={l10n.t('Trajectories')}
        aria-rowcount={total + 1}
        aria-colcount={shown.length}
        aria-activedescendant={total === 0 ? undefined : `row-${active}`}
        onKeyDown={onKey}
        onScroll={(event) => {
          setTop(event.currentTarget.scrollTop);
        }}
      >
        <div class="row head" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
          {shown.map(({ key, title, numeric }) => {
            const sorted = view.sort === key;
            return (
              <div
                key={key}
                role="columnheader"
                class={numeric === true ? 'numeric' : ''}
                aria-sort={sorted ? (view.descending ? 'descending' : 'ascending') : 'none'}
              >
                <button
                  type="button"
                  class="sort"
                  tabIndex={-1}
                  aria-label={l10n.t('Sort by {0}', title)}
                  onClick={() => {
                    onSort(key);
                  }}
                >
                  {title}
                  {sorted ? (view.descending ? ' ↓' : ' ↑') : ''}
                </button>
              </div>
            );
          })}
        </div>
        <div class="space" style={{ height: `${total * rowHeight}px` }}>
          {indexes.map((index) => {
            const row = rows.at(index);
            return (
              <div
                key={index}
                id={`row-${index}`}
                class={`row ${index === active ? 'active' : ''} ${row?.outcome.replace(' ', '-') ?? ''}`}
                role="row"
                aria-rowindex={index + 2}
                aria-selected={index === active}
                style={{ top: `${index * rowHeight}px`, gridTemplateColumns: template }}
                onClick={() => {
                  setActive(index);
                  open(index);
                }}
              >
                {shown.map(({ key, numeric, text }) => {
                  const value = row === undefined ? '' : visibleLine(text(row), 300);
                  const more =
                    row !== undefined && key === 'outcome' && row.remark !== ''
                      ? `: ${visibleLine(row.remark, 300)}`
                      : '';
                  return (
                    <div
                      key={key}
                      role="gridcell"
                      class={`${key} ${numeric === true ? 'numeric' : ''}`}
                      title={`${value}${more}`}
                    >
                      {value}
                    </div>
                  );
                })}
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}
