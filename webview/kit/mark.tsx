import type { StageStatus } from '../../src/core/run/status.ts';

type State = StageStatus['state'] | 'interrupted';

/** A small sign of a state. Its shape differs as well as its colour, and the word always stands beside it. */
export function Mark({ state }: { readonly state: State }) {
  return (
    <svg class={`mark ${state}`} width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      {shape(state)}
    </svg>
  );
}

function shape(state: State) {
  switch (state) {
    case 'pending':
      return <circle cx="8" cy="8" r="5.25" />;
    case 'running':
      return <path d="M8 2.750A5.250 5.250 0 1 1 2.750 8" />;
    case 'done':
      return <path d="M3 8.500 6.500 12 13 4.500" />;
    case 'failed':
      return <path d="M4 4l8 8M12 4l-8 8" />;
    case 'cancelled':
      return <path d="M8 2.750a5.250 5.250 0 1 1-.010 0M4.300 4.300l7.400 7.400" />;
    case 'skipped':
      return <path d="M3 8h8M8.500 5l3 3-3 3M13.500 4v8" />;
    case 'interrupted':
      return <path d="M8 2.500v6M8 11.500v1.500" />;
  }
}
