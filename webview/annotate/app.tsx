import * as l10n from '@vscode/l10n';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { AnnotateHostMessage } from '../../src/protocol/annotate.ts';
import type { AnnotateAction, AnnotateRequests, AnnotateSnapshot } from '../../src/protocol/annotate.ts';
import { protocolVersion } from '../../src/protocol/surface.ts';
import type { WireError } from '../../src/protocol/surface.ts';
import type { PanelHost } from '../kit/panelHost.ts';
import { RequestError } from '../kit/rpc.ts';
import type { RpcClient } from '../kit/rpc.ts';
import { Button } from '../kit/ui/controls.tsx';
import { Aspects } from './aspects.tsx';
import { Candidates } from './candidates.tsx';
import { Empty } from './empty.tsx';
import { Head } from './head.tsx';
import { KeyList } from './keyList.tsx';
import { KeyQueue } from './keyQueue.ts';
import { keyAction, letterOf } from './keys.ts';
import type { Pressed } from './keys.ts';
import { SingleTrajectory } from './single.tsx';

interface Props {
  readonly host: PanelHost;
  readonly rpc: RpcClient<AnnotateRequests>;
}

const typing = (event: KeyboardEvent): boolean => {
  const [target] = event.composedPath();
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
};

/** @param text what was typed before the field was there */
function focusReason(text = ''): void {
  const field = document.querySelector<HTMLTextAreaElement>('.current textarea.reason');
  field?.focus();
  if (field === null || text === '') return;
  field.setRangeText(text, field.value.length, field.value.length, 'end');
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

/** The last answered aspect, when the current one is still open. */
function aspectBefore({ item }: AnnotateSnapshot): string | undefined {
  const at = item?.aspects.findIndex((a) => a.id === item.focus) ?? -1;
  if (item === undefined || at < 0 || item.aspects[at]?.answered === true) return undefined;
  return item.aspects.slice(0, at).findLast((a) => a.answered)?.id;
}

/** An answer that takes longer is told of: keys that show nothing would be pressed again. */
const lateMs = 1500;

export function App({ host, rpc }: Props) {
  const [snapshot, setSnapshot] = useState<AnnotateSnapshot>();
  const [problem, setProblem] = useState<WireError>();
  const [shown, setShown] = useState(0);
  const [unfolded, setUnfolded] = useState(false);
  const [helped, setHelped] = useState(true);
  const [editing, setEditing] = useState(false);
  const page = useRef<HTMLElement>(null);
  /** What was typed for a reason since R was pressed; undefined when nobody waits for its field. */
  const wantsReason = useRef<string>();
  const queue = useRef(new KeyQueue()).current;
  const [answers, setAnswers] = useState(0);
  const [late, setLate] = useState(false);
  const item = snapshot?.item;

  const ask = useCallback(
    async (method: keyof AnnotateRequests, action?: AnnotateAction) => {
      // A question of the editor's may stay open for long: only what changes the item holds keys back.
      if (method === 'act') queue.asked();
      const timer = method === 'act' ? setTimeout(setLate, lateMs, true) : undefined;
      try {
        if (method === 'act' && action !== undefined) await rpc.request('act', action);
        else if (method !== 'act') await rpc.request(method, null);
        setProblem(undefined);
      } catch (error) {
        setProblem(error instanceof RequestError ? error : { message: String(error) });
        wantsReason.current = undefined;
        queue.clear();
      } finally {
        clearTimeout(timer);
        if (method === 'act') {
          queue.answered();
          setLate(false);
          setAnswers((n) => n + 1);
        }
      }
    },
    [rpc, queue],
  );
  const act = useCallback((action: AnnotateAction) => void ask('act', action), [ask]);

  useEffect(() => {
    host.receive((message) => {
      const parsed = AnnotateHostMessage.safeParse(message);
      if (!parsed.success)
        setProblem({
          message: l10n.t('The panel received a message that it cannot read.'),
          remedy: l10n.t('Reload the window.'),
        });
      else if (parsed.data.type === 'response') rpc.settle(parsed.data);
      else {
        if (parsed.data.version !== protocolVersion)
          setProblem({ message: l10n.t('The extension was updated.'), remedy: l10n.t('Reload the window.') });
        setSnapshot(parsed.data.snapshot);
      }
    });
    rpc.ready();
  }, [host, rpc]);

  // A new item begins at the top, with the first candidate.
  useEffect(() => {
    setShown(0);
    setEditing(false);
    setUnfolded(false);
    window.scrollTo(0, 0);
  }, [item?.id]);
  useLayoutEffect(() => {
    setEditing(false);
    if (wantsReason.current !== undefined) focusReason(wantsReason.current);
    wantsReason.current = undefined;
  }, [item?.focus]);

  const take = (pressed: Pressed): boolean => {
    const action = snapshot === undefined ? undefined : keyAction(snapshot, pressed);
    if (snapshot === undefined || action === undefined) return false;
    if (action === 'keys') setHelped((now) => !now);
    else if (action === 'unfold') setUnfolded((now) => !now);
    else if (action === 'correct') {
      queue.clear();
      setEditing(true);
    } else if (action === 'reason') {
      queue.clear();
      // A choice has gone on to the next aspect, but the reason is for the one just chosen.
      const before = aspectBefore(snapshot);
      if (before === undefined) focusReason();
      else {
        wantsReason.current = '';
        act({ do: 'focus', focus: before });
      }
    } else if (typeof action === 'object' && 'show' in action) setShown(action.show);
    else act(action);
    return true;
  };
  useLayoutEffect(() => {
    if (snapshot?.problem !== undefined) queue.clear();
    for (let key = queue.next(); key !== undefined; key = queue.next()) take(key);
  }, [snapshot, answers]);

  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (snapshot === undefined) return;
      if (typing(event)) {
        if (event.key === 'Escape') {
          setEditing(false);
          page.current?.focus();
          event.preventDefault();
          // Back from a reason for an earlier aspect to the one that is open.
          const open = item?.aspects.find((a) => !a.answered);
          if (open !== undefined) act({ do: 'focus', focus: open.id });
        }
        return;
      }
      // Enter and Space on a button press the button.
      const [target] = event.composedPath();
      const onButton = target instanceof HTMLElement && target.closest('button, aat-button, summary') !== null;
      if (onButton && (event.key === 'Enter' || event.key === ' ') && !event.ctrlKey && !event.metaKey) return;
      const { key, code, shiftKey: shift, altKey: alt } = event;
      const pressed = { key, code, shift, alt, control: event.ctrlKey || event.metaKey };
      if (wantsReason.current !== undefined && key.length === 1 && !pressed.control) {
        wantsReason.current += key;
        event.preventDefault();
      } else if (queue.busy) {
        if (keyAction(snapshot, pressed) === undefined) return;
        if (!event.repeat) queue.add(pressed);
        event.preventDefault();
      } else if (take(pressed)) event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('keydown', onKey);
    };
  }, [snapshot, act]);

  const wrong = problem ?? snapshot?.problem;
  return (
    <main class="annotate" ref={page} tabIndex={-1}>
      {wrong === undefined ? null : (
        <div class="problem" role="alert">
          <span>
            <strong>{wrong.message}</strong> {wrong.remedy}
          </span>
          {(snapshot?.unsaved ?? 0) > 0 ? (
            <Button
              onClick={() => {
                act({ do: 'retry' });
              }}
            >
              {l10n.t('Try again')}
            </Button>
          ) : null}
        </div>
      )}
      {late ? (
        <p class="late" role="status">
          {l10n.t('The editor is busy. The keys you press are kept.')}
        </p>
      ) : null}
      {snapshot === undefined ? (
        <p class="muted" role="status">
          {l10n.t('Reading the studies …')}
        </p>
      ) : (
        <>
          <Head snapshot={snapshot} act={act} />
          {item === undefined || snapshot.mode === 'empty' ? (
            <Empty snapshot={snapshot} start={() => void ask('start')} newStudy={() => void ask('newStudy')} />
          ) : snapshot.paused ? (
            <section class="break" role="status">
              <h2>{l10n.t('A break')}</h2>
              <p>{l10n.t('Time stands still, and you come back to this very place, also after closing the window.')}</p>
              <Button
                kind="primary"
                onClick={() => {
                  act({ do: 'pause', paused: false });
                }}
              >
                {l10n.t('Go on (P)')}
              </Button>
            </section>
          ) : (
            <>
              {snapshot.mode === 'finished' ? (
                <p class="finished" role="status">
                  {l10n.t(
                    'All {0} items are done. Thank you. You can still go back and change something.',
                    snapshot.progress.total,
                  )}
                </p>
              ) : null}
              <section class="question" aria-label={l10n.t('Question')}>
                <h2>{item.kind === 'guess' ? l10n.t('One last question') : l10n.t('Question')}</h2>
                <p>{item.question}</p>
                {item.kind === 'guess' ? <p class="guess-question">{snapshot.guessQuestion}</p> : null}
              </section>
              {item.kind === 'single' ? (
                <SingleTrajectory item={item} unfolded={unfolded} editing={editing} setEditing={setEditing} act={act} />
              ) : (
                <Candidates item={item} shown={shown} setShown={setShown} unfolded={unfolded} />
              )}
              {item.kind === 'compare' ? <Aspects snapshot={snapshot} item={item} act={act} /> : null}
              {item.kind === 'guess' ? (
                <div class="choices" role="group" aria-label={l10n.t('Your guess')}>
                  {item.candidates.map((_candidate, i) => (
                    <button
                      key={i}
                      type="button"
                      class="choice"
                      aria-pressed={item.guess === i}
                      onClick={() => {
                        act({ do: 'guess', position: i });
                      }}
                    >
                      {letterOf(i)}
                    </button>
                  ))}
                </div>
              ) : null}
              {snapshot.mode === 'trace' ? null : (
                <div class="foot">
                  <Button
                    kind="primary"
                    onClick={() => {
                      act({ do: 'finish' });
                    }}
                  >
                    {item.done ? l10n.t('Next (Enter)') : l10n.t('Done, next (Enter)')}
                  </Button>
                </div>
              )}
              <KeyList snapshot={snapshot} open={helped} setOpen={setHelped} />
            </>
          )}
        </>
      )}
    </main>
  );
}
