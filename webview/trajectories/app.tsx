import * as l10n from '@vscode/l10n';
import { useEffect, useState } from 'preact/hooks';
import { visibleLine } from '../../src/core/trajectory/visible.ts';
import { protocolVersion } from '../../src/protocol/surface.ts';
import type { WireError } from '../../src/protocol/surface.ts';
import { TrajectoriesHostMessage } from '../../src/protocol/trajectories.ts';
import type { TableSnapshot, TableState, TableView, TrajectoriesRequests } from '../../src/protocol/trajectories.ts';
import type { PanelHost } from '../kit/panelHost.ts';
import type { RpcClient } from '../kit/rpc.ts';
import { Button } from '../kit/ui/controls.tsx';
import { useRequests } from '../kit/useRequests.ts';
import { AskProvider } from './context.ts';
import { Filter } from './filter.tsx';
import { Matrix } from './matrix.tsx';
import { RowTable } from './rowTable.tsx';

interface Props {
  readonly host: PanelHost;
  readonly rpc: RpcClient<TrajectoriesRequests>;
}

/** How long nothing is typed before the host looks. */
const typingMs = 250;

export function App({ host, rpc }: Props) {
  const [snapshot, setSnapshot] = useState<TableSnapshot>();
  const [state, setState] = useState<TableState>();
  const [cell, setCell] = useState<TableView['cell']>();
  const [problem, setProblem] = useState<WireError>();

  useEffect(() => {
    let first = true;
    host.receive((message) => {
      const parsed = TrajectoriesHostMessage.safeParse(message);
      if (!parsed.success) {
        setProblem({
          message: l10n.t('The table received a message that it cannot read.'),
          remedy: l10n.t('Close it and open it again.'),
        });
        return;
      }
      if (parsed.data.type === 'response') {
        const { id } = parsed.data;
        rpc.settle(
          parsed.data.ok ? { id, ok: true, value: parsed.data.value } : { id, ok: false, error: parsed.data.error },
        );
        return;
      }
      if (parsed.data.version !== protocolVersion)
        setProblem({
          message: l10n.t('The extension was updated.'),
          remedy: l10n.t('Close this view and open it again.'),
        });
      const { snapshot: next, state: kept } = parsed.data;
      setSnapshot(next);
      host.keep(kept);
      // What is typed here is newer than what the host kept of it.
      setState((own) => (first || own === undefined ? kept : { ...own, sources: kept.sources }));
      first = false;
    });
    rpc.ready();
  }, [host, rpc]);

  const ask = useRequests(rpc, setProblem);

  useEffect(() => {
    if (state === undefined) return undefined;
    const timer = setTimeout(() => {
      const { sources: _sources, ...kept } = state;
      host.keep(state);
      void ask('keep', kept);
    }, 2 * typingMs);
    return () => {
      clearTimeout(timer);
    };
  }, [state]);

  const [typed, setTyped] = useState('');
  useEffect(() => {
    if (state === undefined) return undefined;
    const timer = setTimeout(
      () => {
        setTyped(state.query);
      },
      typed === '' && state.query !== '' ? 0 : typingMs,
    );
    return () => {
      clearTimeout(timer);
    };
  }, [state?.query]);

  if (snapshot === undefined || state === undefined)
    return (
      <main class="page">
        {problem === undefined ? (
          <p class="muted" role="status">
            {l10n.t('Reading the trajectories …')}
          </p>
        ) : (
          <Problem problem={problem} />
        )}
      </main>
    );
  const change = (part: Partial<TableState>): void => {
    setState({ ...state, ...part });
  };
  const [firstGroup, secondGroup] = chosenGroups(snapshot, state);
  return (
    <AskProvider value={ask}>
      <main class="page">
        <header class="title">
          <h1>{visibleLine(snapshot.title, 200)}</h1>
          <Button onClick={() => void ask('addSource', null)}>{l10n.t('Add trajectories…')}</Button>
        </header>
        {problem === undefined ? null : <Problem problem={problem} />}
        {snapshot.sources.map((source) =>
          source.problem === undefined ? null : (
            <Problem key={source.title} problem={{ message: `${visibleLine(source.title, 200)}: ${source.problem}` }} />
          ),
        )}
        {snapshot.groups.length < 2 ? null : (
          <Matrix
            groups={snapshot.groups}
            first={firstGroup}
            second={secondGroup}
            revision={snapshot.revision}
            cell={cell}
            onGroups={(first, second) => {
              setCell(undefined);
              change({ first, second });
            }}
            onCell={setCell}
          />
        )}
        <Filter
          query={state.query}
          levels={snapshot.levels}
          outcomes={snapshot.outcomes}
          groups={snapshot.groups}
          onQuery={(query) => {
            change({ query });
          }}
        />
        {snapshot.partial ? (
          <p class="muted" role="status">
            {l10n.t('These are the first {0}; the others are being read …', snapshot.total)}
          </p>
        ) : null}
        {snapshot.total === 0 ? (
          <p class="empty" role="status">
            {snapshot.sources.some(({ problem: each }) => each !== undefined)
              ? l10n.t('Nothing can be shown.')
              : l10n.t(
                  'There is no trajectory here yet. A run has them as soon as synthesis begins; a file has one on each line.',
                )}
          </p>
        ) : (
          <RowTable
            snapshot={snapshot}
            view={{
              query: typed,
              sort: state.sort,
              descending: state.descending,
              ...(cell === undefined ? {} : { cell }),
            }}
            compareWith={snapshot.groups.length < 2 ? undefined : [firstGroup, secondGroup]}
            onSort={(sort) => {
              change({ sort, descending: state.sort === sort ? !state.descending : false });
            }}
          />
        )}
      </main>
    </AskProvider>
  );
}

function Problem({ problem }: { readonly problem: WireError }) {
  return (
    <p class="problem" role="alert">
      {problem.message} {problem.remedy ?? ''}
    </p>
  );
}

/** The two groups that are compared: those that were chosen, as long as they are there. */
function chosenGroups({ groups }: TableSnapshot, { first, second }: TableState): [string, string] {
  const has = (id: string): boolean => groups.some((group) => group.id === id);
  // Evaluation before synthesis: its groups answer the same questions.
  const likely = [...groups].sort(
    (a, b) => Number(a.title.startsWith('synthesis')) - Number(b.title.startsWith('synthesis')),
  );
  const one = has(first) ? first : (likely[0]?.id ?? '');
  const other = has(second) && second !== one ? second : (likely.find(({ id }) => id !== one)?.id ?? '');
  return [one, other];
}
