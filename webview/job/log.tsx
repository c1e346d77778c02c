import * as l10n from '@vscode/l10n';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { JobView } from '../../src/core/box/jobView.ts';
import { Button } from '../kit/ui/controls.tsx';

interface Props {
  readonly text: string;
  readonly state: JobView['state'];
  /** There is more before it. */
  readonly cut: boolean;
  readonly open: () => void;
}

/** The end of the log. It moves on by itself while its end is in sight, and stays where somebody reads. */
export function Log({ text, state, cut, open }: Props) {
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    const element = box.current;
    if (element !== null && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [text]);
  return (
    <section class="card" aria-labelledby="log-title">
      <div class="title-row">
        <h2 id="log-title">{l10n.t('Log')}</h2>
        <Button onClick={open}>{l10n.t('Open the Whole Log')}</Button>
      </div>
      {cut ? <p class="muted">{l10n.t('Only its end is shown here.')}</p> : null}
      <pre
        class="log mono"
        ref={box}
        tabIndex={0}
        aria-label={l10n.t('End of the log')}
        onScroll={() => {
          const element = box.current;
          if (element !== null) atEnd.current = element.scrollTop + element.clientHeight >= element.scrollHeight - 4;
        }}
      >
        {text === '' ? emptyLog(state) : text}
      </pre>
    </section>
  );
}

/** An empty log means something else of a job that has ended than of one that goes on. */
function emptyLog(state: JobView['state']): string {
  switch (state) {
    case 'connecting':
    case 'waiting':
    case 'running':
    case 'lost-contact':
      return l10n.t('It has written nothing yet.');
    case 'finished':
    case 'cancelled':
      return l10n.t('It ended without writing a line.');
    case 'failed':
    case 'vanished':
      return l10n.t(
        'It ended without writing a line: its program was ended from outside, or never began. Look at the machine (free memory, disk, who was logged in), check it with "autoact box check", and start it again.',
      );
  }
}
