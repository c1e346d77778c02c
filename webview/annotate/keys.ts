import * as l10n from '@vscode/l10n';
import { stepVerdicts } from '../../src/core/annotate/records.ts';
import type { AnnotateAction, AnnotateSnapshot, ShownItem } from '../../src/protocol/annotate.ts';

/** What a key does, as data: the key list on the page is made of the same table as the handler. */

/** Things that a key does to the page alone. */
export type PageAction = 'reason' | 'keys' | 'unfold' | 'correct' | { readonly show: number };
export type KeyAction = AnnotateAction | PageAction;

export interface KeyHelp {
  readonly keys: string;
  readonly does: string;
}

export const letterOf = (position: number): string => String.fromCharCode(65 + position);

/** The keys that mean something for this item. */
export function keyHelp(snapshot: AnnotateSnapshot): KeyHelp[] {
  const { item } = snapshot;
  if (item === undefined) return [];
  const last = item.candidates.length;
  const compare: KeyHelp[] = [
    { keys: `1 – ${last}`, does: l10n.t('is the best on this aspect') },
    { keys: `Shift+1 – ${last}`, does: l10n.t('is as good: a tie') },
    { keys: '0', does: l10n.t('none is acceptable') },
    { keys: '↑ ↓', does: l10n.t('aspect') },
    { keys: `A – ${letterOf(last - 1)}`, does: l10n.t('show this one') },
    ...(snapshot.confidence ? [{ keys: 'S', does: l10n.t('how sure') }] : []),
  ];
  const single: KeyHelp[] = [
    { keys: `1 – ${stepVerdicts.length}`, does: l10n.t('verdict on this step') },
    { keys: '↑ ↓', does: l10n.t('step') },
    { keys: 'A / X', does: l10n.t('accept / reject the whole') },
    { keys: 'E', does: l10n.t('correct this step') },
  ];
  const guess: KeyHelp[] = [
    { keys: `1 – ${last}`, does: l10n.t('my guess') },
    { keys: `A – ${letterOf(last - 1)}`, does: l10n.t('show this one') },
  ];
  const study: KeyHelp[] = [
    { keys: 'Enter', does: l10n.t('done, next item') },
    { keys: '← →', does: l10n.t('item before, after') },
    { keys: 'P', does: l10n.t('break') },
  ];
  return [
    ...{ compare, single, guess }[item.kind],
    ...(item.kind === 'guess' ? [] : [{ keys: 'R', does: l10n.t('say why (Escape: back)') }]),
    ...(snapshot.mode === 'trace' ? [] : study),
    { keys: 'U', does: l10n.t('undo') },
    { keys: 'O', does: l10n.t('all of the observations') },
    { keys: '?', does: l10n.t('these keys') },
  ];
}

export interface Pressed {
  readonly key: string;
  /** Tells the digit under Shift, where `key` is a sign that depends on the keyboard. */
  readonly code: string;
  readonly shift: boolean;
  readonly control: boolean;
  readonly alt: boolean;
}

/** What a key press means now; undefined when it means nothing and is the editor's. */
export function keyAction(snapshot: AnnotateSnapshot, pressed: Pressed): KeyAction | undefined {
  const { item } = snapshot;
  const { key, shift, control, alt } = pressed;
  if (alt || item === undefined) return undefined;
  if (control) {
    if (key === 'Enter' && snapshot.mode !== 'trace') return { do: 'finish' };
    return key.toLowerCase() === 'z' && !shift ? { do: 'undo' } : undefined;
  }
  if (snapshot.paused) return key.toLowerCase() === 'p' || key === 'Enter' ? { do: 'pause', paused: false } : undefined;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(pressed.code)?.[1];
  if (digit !== undefined && (shift || key === digit)) return digitAction(item, Number(digit), shift);
  const common = commonAction(snapshot, item, key);
  if (common !== undefined) return common;
  const letter = key.length === 1 ? key.toLowerCase() : '';
  if (item.kind === 'single') {
    if (letter === 'a') return { do: 'judge', accepted: true };
    if (letter === 'x') return { do: 'judge', accepted: false };
    return letter === 'e' ? 'correct' : undefined;
  }
  const position = letter === '' ? -1 : letter.charCodeAt(0) - 97;
  if (position >= 0 && position < item.candidates.length) return { show: position };
  return letter === 's' && snapshot.confidence && item.kind === 'compare' ? nextConfidence(item) : undefined;
}

function digitAction(item: ShownItem, digit: number, shift: boolean): KeyAction | undefined {
  if (item.kind === 'single') {
    const verdict = stepVerdicts[digit - 1];
    return verdict === undefined ? undefined : { do: 'verdict', step: Number(item.focus), verdict };
  }
  if (digit > item.candidates.length) return undefined;
  if (item.kind === 'guess') return digit === 0 ? undefined : { do: 'guess', position: digit - 1 };
  return { do: 'choose', aspect: item.focus, position: digit - 1, tie: shift && digit > 0 };
}

function commonAction(snapshot: AnnotateSnapshot, item: ShownItem, key: string): KeyAction | undefined {
  switch (key) {
    case 'Enter':
      return snapshot.mode === 'trace' ? undefined : { do: 'finish' };
    case 'ArrowLeft':
    case 'ArrowRight':
      return snapshot.mode === 'trace' ? undefined : { do: 'move', offset: key === 'ArrowLeft' ? -1 : 1 };
    case 'ArrowUp':
    case 'ArrowDown':
      return { do: 'focus', focus: moved(item, key === 'ArrowUp' ? -1 : 1) };
    case '?':
      return 'keys';
  }
  switch (key.toLowerCase()) {
    case 'u':
      return { do: 'undo' };
    case 'o':
      return 'unfold';
    case 'p':
      return snapshot.mode === 'trace' ? undefined : { do: 'pause', paused: true };
    case 'r':
      return item.kind === 'guess' ? undefined : 'reason';
    default:
      return undefined;
  }
}

function moved(item: ShownItem, offset: number): string {
  const places =
    item.kind === 'single'
      ? (item.candidates[0]?.steps ?? []).map((_step, i) => String(i + 1))
      : item.aspects.map((a) => a.id);
  const at = Math.max(0, Math.min(places.indexOf(item.focus) + offset, places.length - 1));
  return places[at] ?? item.focus;
}

const confidences = ['low', 'medium', 'high'] as const;

function nextConfidence(item: ShownItem): AnnotateAction {
  const now = item.aspects.find((a) => a.id === item.focus)?.confidence;
  const next = confidences[(confidences.indexOf(now ?? 'high') + 1) % confidences.length] ?? 'medium';
  return { do: 'remark', aspect: item.focus, confidence: next };
}
