import type { ComponentChildren } from 'preact';
import type { RunStatus } from '../../src/core/run/status.ts';
import type { WireError } from '../../src/protocol/surface.ts';

const shown = 30;

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

export function Notices({ status }: { readonly status: RunStatus }) {
  if (status.notices.length === 0) return null;
  const latest = status.notices.slice(-shown).reverse();
  return (
    <section class="card" aria-labelledby="notices-title">
      <h2 id="notices-title">Notices</h2>
      <ul class="notices">
        {latest.map((notice, index) => (
          <li key={`${notice.at}/${index}`} class={notice.severity}>
            <time dateTime={notice.at}>{new Date(notice.at).toLocaleTimeString()}</time>
            <span>
              {notice.severity === 'info' ? null : (
                <strong>{notice.severity === 'error' ? 'Error: ' : 'Warning: '}</strong>
              )}
              {notice.message}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
