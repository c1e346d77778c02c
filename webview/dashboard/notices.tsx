import * as l10n from '@vscode/l10n';
import type { RunStatus } from '../../src/core/run/status.ts';

const shown = 30;

export function Notices({ status }: { readonly status: RunStatus }) {
  if (status.notices.length === 0) return null;
  const latest = status.notices.slice(-shown).reverse();
  return (
    <section class="card" aria-labelledby="notices-title">
      <h2 id="notices-title">{l10n.t('Notices')}</h2>
      <ul class="notices">
        {latest.map((notice, index) => (
          <li key={`${notice.at}/${index}`} class={notice.severity}>
            <time dateTime={notice.at}>{new Date(notice.at).toLocaleTimeString()}</time>
            <span>
              {notice.severity === 'info' ? null : (
                <strong>{notice.severity === 'error' ? l10n.t('Error:') : l10n.t('Warning:')} </strong>
              )}
              {notice.message}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
