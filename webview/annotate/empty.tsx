import * as l10n from '@vscode/l10n';
import type { AnnotateSnapshot } from '../../src/protocol/annotate.ts';
import { Button } from '../kit/ui/controls.tsx';

interface EmptyProps {
  readonly snapshot: AnnotateSnapshot;
  readonly start: () => void;
  readonly newStudy: () => void;
}

/** Where nothing is being labelled: what to do next. */
export function Empty({ snapshot, start, newStudy }: EmptyProps) {
  return (
    <section class="empty">
      <h1>{l10n.t('Label trajectories')}</h1>
      {snapshot.studies > 0 ? (
        <>
          <p>
            {snapshot.studies === 1
              ? l10n.t('There is a study in this folder.')
              : l10n.t('There are {0} studies in this folder.', snapshot.studies)}{' '}
            {l10n.t('It is done by keyboard, and every label is saved at once.')}
          </p>
          <Button kind="primary" onClick={start}>
            {l10n.t('Start')}
          </Button>
        </>
      ) : (
        <>
          <p>
            {l10n.t(
              'A study lets people compare trajectories without knowing which method made them. Or open a trace: its steps can be judged here.',
            )}
          </p>
          <Button onClick={newStudy}>{l10n.t('New study …')}</Button>
        </>
      )}
    </section>
  );
}
