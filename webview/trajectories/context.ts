import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { TrajectoriesMethod, TrajectoriesParams, TrajectoriesResult } from '../../src/protocol/trajectories.ts';

/** Sends a request; what goes wrong is shown at the top of the panel, and the promise gives undefined. */
export type Ask = <M extends TrajectoriesMethod>(
  method: M,
  params: TrajectoriesParams<M>,
) => Promise<TrajectoriesResult<M> | undefined>;

const context = createContext<Ask | undefined>(undefined);
export const AskProvider = context.Provider;

export function useAsk(): Ask {
  const ask = useContext(context);
  if (ask === undefined) throw new Error('A part of the table is used outside of it.');
  return ask;
}
