import * as l10n from '@vscode/l10n';
import { useEffect, useRef } from 'preact/hooks';
import type { AnnotateAction, AnnotateSnapshot, ShownAspect, ShownItem } from '../../src/protocol/annotate.ts';
import { confidenceName } from '../../src/protocol/words.ts';
import { letterOf } from './keys.ts';
import { Reason } from './reason.tsx';

interface Props {
  readonly snapshot: AnnotateSnapshot;
  readonly item: ShownItem;
  readonly act: (action: AnnotateAction) => void;
}

/** The aspects with their choices; the current one shows its rubric and takes a reason. */
export function Aspects({ snapshot, item, act }: Props) {
  const current = item.aspects.find((a) => a.id === item.focus);
  return (
    <section class="aspects" aria-label={l10n.t('Aspects')}>
      <p class="visually-hidden" role="status">
        {current === undefined ? '' : `${current.title}: ${spoken(current)}`}
      </p>
      {item.aspects.map((aspect) => (
        <Row
          key={aspect.id}
          aspect={aspect}
          current={aspect.id === item.focus}
          width={item.candidates.length}
          confidence={snapshot.confidence}
          itemId={item.id}
          act={act}
        />
      ))}
    </section>
  );
}

function spoken(aspect: ShownAspect): string {
  if (!aspect.answered) return l10n.t('open');
  return aspect.best.length === 0 ? l10n.t('none is acceptable') : aspect.best.map(letterOf).join(` ${l10n.t('and')} `);
}

interface RowProps {
  readonly aspect: ShownAspect;
  readonly current: boolean;
  readonly width: number;
  readonly confidence: boolean;
  readonly itemId: string;
  readonly act: (action: AnnotateAction) => void;
}

function Row({ aspect, current, width, confidence, itemId, act }: RowProps) {
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  const choose = (position: number, tie: boolean): void => {
    act({ do: 'choose', aspect: aspect.id, position, tie });
  };
  return (
    <div ref={row} class={current ? 'aspect current' : 'aspect'} role="group" aria-label={aspect.title}>
      <div class="aspect-row">
        <button
          type="button"
          class="aspect-title"
          aria-current={current ? 'true' : undefined}
          onClick={() => {
            act({ do: 'focus', focus: aspect.id });
          }}
        >
          <span aria-hidden="true">{aspect.answered ? '✓ ' : '○ '}</span>
          {aspect.title}
          <span class="visually-hidden">{aspect.answered ? `, ${l10n.t('answered')}` : `, ${l10n.t('open')}`}</span>
        </button>
        <div class="choices">
          {Array.from({ length: width }, (_unused, i) => (
            <button
              key={i}
              type="button"
              class="choice"
              aria-pressed={aspect.best.includes(i)}
              aria-label={l10n.t('{0} is best: {1}', letterOf(i), aspect.title)}
              title={l10n.t('{0} ({1}); with Shift: as good', letterOf(i), i + 1)}
              onClick={(event) => {
                choose(i, event.shiftKey);
              }}
            >
              {letterOf(i)}
            </button>
          ))}
          <button
            type="button"
            class="choice none"
            aria-pressed={aspect.answered && aspect.best.length === 0}
            aria-label={l10n.t('None is acceptable: {0}', aspect.title)}
            title={l10n.t('None is acceptable (0)')}
            onClick={() => {
              choose(-1, false);
            }}
          >
            {l10n.t('None')}
          </button>
        </div>
      </div>
      {current ? (
        <div class="aspect-detail">
          <p class="rubric">{aspect.rubric}</p>
          {aspect.anchors.length === 0 ? null : (
            <details class="anchors">
              <summary>{l10n.t('Examples')}</summary>
              <ul>
                {aspect.anchors.map(({ text, judgement }) => (
                  <li key={text}>
                    <em>{judgement}:</em> {text}
                  </li>
                ))}
              </ul>
            </details>
          )}
          {confidence ? (
            <p class="muted">
              {l10n.t(
                'How sure (S): {0}',
                aspect.confidence === undefined ? l10n.t('not said') : confidenceName(aspect.confidence),
              )}
            </p>
          ) : null}
          <Reason
            key={`${itemId}/${aspect.id}`}
            label={l10n.t('Reason: {0}', aspect.title)}
            value={aspect.reason}
            disabled={!aspect.answered}
            save={(reason) => {
              act({ do: 'remark', aspect: aspect.id, reason });
            }}
          />
        </div>
      ) : null}
    </div>
  );
}
