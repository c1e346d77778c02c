import * as l10n from '@vscode/l10n';
import { useEffect, useState } from 'preact/hooks';
import { allLevels } from '../../src/core/trajectory/wonLost.ts';
import { visibleLine } from '../../src/core/trajectory/visible.ts';
import { cellNames } from '../../src/protocol/trajectories.ts';
import type { TableSnapshot, TableView, TrajectoriesResult } from '../../src/protocol/trajectories.ts';
import { integer, pValue } from '../kit/format.ts';
import { Dropdown } from '../kit/ui/controls.tsx';
import { useAsk } from './context.ts';

interface Props {
  readonly groups: TableSnapshot['groups'];
  readonly first: string;
  readonly second: string;
  readonly revision: number;
  readonly cell: TableView['cell'];
  readonly onGroups: (first: string, second: string) => void;
  readonly onCell: (cell: TableView['cell']) => void;
}

/** Two methods or runs on the same questions; a count is a button that shows its questions. */
export function Matrix({ groups, first, second, revision, cell, onGroups, onCell }: Props) {
  const ask = useAsk();
  const [result, setResult] = useState<TrajectoriesResult<'matrix'>>();
  useEffect(() => {
    let current = true;
    void ask('matrix', { first, second }).then((answer) => {
      if (current && answer !== undefined) setResult(answer);
    });
    return () => {
      current = false;
    };
  }, [first, second, revision]);
  const options = groups.map(({ id, title, count }) => ({
    value: id,
    label: `${visibleLine(title, 60)}, ${integer(count)}`,
  }));
  const nameOf = (id: string): string => visibleLine(groups.find((group) => group.id === id)?.title ?? '', 40);
  const titles = {
    bothRight: l10n.t('Both right'),
    onlyFirst: l10n.t('Only {0}', nameOf(first)),
    onlySecond: l10n.t('Only {0}', nameOf(second)),
    bothWrong: l10n.t('Neither'),
  } as const;
  const paired = result?.rows.at(-1);
  const n = paired === undefined ? 0 : paired.bothRight + paired.onlyFirst + paired.onlySecond + paired.bothWrong;
  return (
    <section class="matrix" aria-label={l10n.t('Won and lost')}>
      <div class="pair">
        <Dropdown
          label={l10n.t('First')}
          value={first}
          options={options}
          onChange={(id) => {
            onGroups(id, second);
          }}
        />
        <Dropdown
          label={l10n.t('Second')}
          value={second}
          options={options}
          onChange={(id) => {
            onGroups(first, id);
          }}
        />
      </div>
      {result === undefined ? null : n === 0 ? (
        <p class="muted">{l10n.t('The two have no scored question in common.')}</p>
      ) : (
        <table>
          <caption class="visually-hidden">
            {l10n.t('Questions that {0} and {1} got right', nameOf(first), nameOf(second))}
          </caption>
          <thead>
            <tr>
              <th scope="col">{l10n.t('Questions')}</th>
              {cellNames.map((name) => (
                <th key={name} scope="col">
                  {titles[name]}
                </th>
              ))}
              <th scope="col">McNemar</th>
            </tr>
          </thead>
          <tbody>
            {result.rows.map((row) => (
              <tr key={row.level} class={row.level === allLevels ? 'overall' : ''}>
                <th scope="row">{row.level === allLevels ? l10n.t('All') : visibleLine(row.level, 40)}</th>
                {cellNames.map((name) => {
                  const on = cell?.cell === name && cell.level === row.level;
                  return (
                    <td key={name}>
                      <button
                        type="button"
                        class={on ? 'count on' : 'count'}
                        aria-pressed={on}
                        aria-label={l10n.t('{0}, {1}: {2} questions', titles[name], row.level, row[name])}
                        disabled={row[name] === 0}
                        onClick={() => {
                          onCell(on ? undefined : { first, second, cell: name, level: row.level });
                        }}
                      >
                        {integer(row[name])}
                      </button>
                    </td>
                  );
                })}
                <td class="muted">{`p ${pValue(row.p)}`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {result === undefined || result.unpaired === 0 ? null : (
        <p class="muted">
          {l10n.t('{0} questions have a score on one side only and are left out.', integer(result.unpaired))}
        </p>
      )}
    </section>
  );
}
