import type { ComponentChildren } from 'preact';
import type { WireError } from '../../src/protocol/surface.ts';

export function Problem({ problem, actions }: { readonly problem: WireError; readonly actions?: ComponentChildren }) {
  return (
    <div class="problem" role="alert">
      <div>
        <strong>{problem.message}</strong>
        {problem.remedy === undefined ? null : <p>{problem.remedy}</p>}
      </div>
      {actions}
    </div>
  );
}
