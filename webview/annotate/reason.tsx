import * as l10n from '@vscode/l10n';
import { useEffect, useRef, useState } from 'preact/hooks';
import { TextArea } from '../kit/ui/controls.tsx';

/** How long a pause in typing is before what was typed is saved. */
const settleMs = 400;

interface Props {
  readonly label: string;
  readonly value: string;
  readonly save: (reason: string) => void;
  readonly disabled: boolean;
}

/** A reason in free text; saved while it is written, and at once when the field is left. */
export function Reason({ label, value, save, disabled }: Props) {
  const [draft, setDraft] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const pending = useRef<string>();
  const saver = useRef(save);
  saver.current = save;
  const settle = (): void => {
    clearTimeout(timer.current);
    if (pending.current === undefined) return;
    saver.current(pending.current);
    pending.current = undefined;
  };
  // What another window, or an undo, changed.
  useEffect(() => {
    if (pending.current === undefined) setDraft(value);
  }, [value]);
  useEffect(() => settle, []);
  return (
    <TextArea
      label={label}
      class="reason"
      value={draft}
      disabled={disabled}
      placeholder={l10n.t('Why? (R)')}
      rows={2}
      onBlur={settle}
      onChange={(text) => {
        setDraft(text);
        pending.current = text;
        clearTimeout(timer.current);
        timer.current = setTimeout(settle, settleMs);
      }}
    />
  );
}
