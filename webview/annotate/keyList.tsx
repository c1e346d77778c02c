import * as l10n from '@vscode/l10n';
import type { AnnotateSnapshot } from '../../src/protocol/annotate.ts';
import { keyHelp } from './keys.ts';

interface KeyListProps {
  readonly snapshot: AnnotateSnapshot;
  readonly open: boolean;
  readonly setOpen: (open: boolean) => void;
}

/** The keys that do something now. */
export function KeyList({ snapshot, open, setOpen }: KeyListProps) {
  return (
    <details
      class="keys"
      open={open}
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{l10n.t('Keys')}</summary>
      <dl>
        {keyHelp(snapshot).map(({ keys, does }) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
