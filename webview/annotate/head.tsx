import * as l10n from '@vscode/l10n';
import type { AnnotateAction, AnnotateSnapshot } from '../../src/protocol/annotate.ts';
import { duration } from '../kit/format.ts';

interface HeadProps {
  readonly snapshot: AnnotateSnapshot;
  readonly act: (action: AnnotateAction) => void;
}

/** What is labelled, how far it is, and what can be done at any item. */
export function Head({ snapshot, act }: HeadProps) {
  const { progress, mode } = snapshot;
  const pace =
    progress.paceMs === undefined ? undefined : l10n.t('{0} s each', Math.max(1, Math.round(progress.paceMs / 1000)));
  const left =
    progress.leftMs === undefined || progress.leftMs === 0
      ? undefined
      : l10n.t('{0} left', duration(progress.leftMs / 1000));
  return (
    <header>
      {snapshot.notices.map((notice) => (
        <p class="notice" key={notice}>
          {notice}
        </p>
      ))}
      {mode === 'empty' ? null : (
        <>
          <div class="title">
            <h1>{snapshot.title}</h1>
            <span class="muted">{snapshot.rater}</span>
          </div>
          {mode === 'trace' ? (
            <p class="muted">{l10n.t('The trace that is open. It shows who acted: this is not a blind judgement.')}</p>
          ) : (
            <>
              <div
                class="progress"
                role="progressbar"
                aria-label={l10n.t('Items done')}
                aria-valuemin={0}
                aria-valuemax={progress.total}
                aria-valuenow={progress.done}
                aria-valuetext={l10n.t('{0} of {1} done', progress.done, progress.total)}
              >
                <svg width="100%" height="4" aria-hidden="true">
                  <rect class="track" width="100%" height="4" />
                  <rect
                    class="bar"
                    width={`${progress.total === 0 ? 0 : (100 * progress.done) / progress.total}%`}
                    height="4"
                  />
                </svg>
              </div>
              <p class="pace" role="status">
                <span>{l10n.t('Item {0} · {1} of {2} done', progress.at, progress.done, progress.total)}</span>
                {pace === undefined ? null : <span class="muted">{[pace, left].filter(Boolean).join(' · ')}</span>}
              </p>
              {snapshot.instructions === '' ? null : (
                <details class="instructions" open={progress.done === 0}>
                  <summary>{l10n.t('Instructions')}</summary>
                  <p>{snapshot.instructions}</p>
                </details>
              )}
            </>
          )}
          <div class="tools">
            {mode === 'trace' ? null : (
              <>
                <IconButton label={l10n.t('Item before')} text="←" onClick={() => act({ do: 'move', offset: -1 })} />
                <IconButton label={l10n.t('Next item')} text="→" onClick={() => act({ do: 'move', offset: 1 })} />
                <IconButton label={l10n.t('Break')} text="Break" onClick={() => act({ do: 'pause', paused: true })} />
              </>
            )}
            <IconButton
              label={l10n.t('Undo')}
              text="Undo"
              disabled={!snapshot.canUndo}
              onClick={() => act({ do: 'undo' })}
            />
            {mode === 'trace' && snapshot.hasStudy ? (
              <IconButton
                label={l10n.t('Back to the study')}
                text="To the study"
                onClick={() => act({ do: 'show', what: 'study' })}
              />
            ) : null}
            {mode !== 'trace' && snapshot.hasTrace ? (
              <IconButton
                label={l10n.t('Judge the open trace')}
                text="Open trace"
                onClick={() => act({ do: 'show', what: 'trace' })}
              />
            ) : null}
          </div>
        </>
      )}
    </header>
  );
}

interface IconButtonProps {
  readonly label: string;
  readonly text: string;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}

function IconButton({ label, text, disabled = false, onClick }: IconButtonProps) {
  return (
    <button type="button" class="tool" aria-label={label} title={label} disabled={disabled} onClick={onClick}>
      {text}
    </button>
  );
}
