import { useEffect, useRef, useState } from 'preact/hooks';
import type { TableRow, TableView } from '../../src/protocol/trajectories.ts';
import { useAsk } from './context.ts';

/** Rows that are asked for at once, in whole pages. */
const pageSize = 100;
/** Pages that are kept: scrolling through all of a hundred thousand rows must not gather them. */
const keptPages = 20;

export interface Rows {
  readonly total: number;
  readonly problems: readonly string[];
  readonly cut: boolean;
  readonly waiting: boolean;
  /** Undefined while it is on its way. */
  readonly at: (index: number) => TableRow | undefined;
}

/** The rows of a view from `first` to `last`, asked for as they come into sight. */
export function useRows(view: TableView, revision: number, first: number, last: number): Rows {
  const ask = useAsk();
  const key = JSON.stringify([view, revision]);
  const pages = useRef(new Map<number, readonly TableRow[]>());
  const asked = useRef({ key: '', pages: new Set<number>() });
  const [known, setKnown] = useState({ key: '', total: 0, problems: [] as readonly string[], cut: false, version: 0 });

  useEffect(() => {
    if (asked.current.key !== key) asked.current = { key, pages: new Set() };
    const mine = asked.current;
    const from = Math.floor(first / pageSize);
    const to = Math.floor(Math.max(first, last) / pageSize);
    for (let page = from; page <= to; page++) {
      if (mine.pages.has(page)) continue;
      mine.pages.add(page);
      void ask('rows', { ...view, offset: page * pageSize, count: pageSize }).then((answer) => {
        if (asked.current !== mine) return;
        if (answer === undefined) {
          mine.pages.delete(page);
          return;
        }
        setKnown((before) => {
          if (before.key !== key) pages.current = new Map();
          pages.current.set(page, answer.rows);
          for (const old of [...pages.current.keys()].slice(0, -keptPages)) {
            pages.current.delete(old);
            mine.pages.delete(old);
          }
          return { key, total: answer.total, problems: answer.problems, cut: answer.cut, version: before.version + 1 };
        });
      });
    }
  }, [key, first, last, known.version]);

  return {
    ...known,
    waiting: known.key !== key,
    at: (index) => pages.current.get(Math.floor(index / pageSize))?.[index % pageSize],
  };
}
