import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { DashboardMethod, DashboardParams, DashboardResult } from '../../src/protocol/dashboard.ts';

/** Sends a request; what goes wrong is shown at the top of the panel, and the promise gives undefined. */
export type Ask = <M extends DashboardMethod>(
  method: M,
  params: DashboardParams<M>,
) => Promise<DashboardResult<M> | undefined>;

const context = createContext<Ask | undefined>(undefined);
export const AskProvider = context.Provider;

export function useAsk(): Ask {
  const ask = useContext(context);
  if (ask === undefined) throw new Error('A part of the dashboard is used outside of it.');
  return ask;
}
