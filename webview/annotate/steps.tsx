import * as l10n from '@vscode/l10n';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ShownStep } from '../../src/protocol/annotate.ts';
import { integer } from '../kit/format.ts';

const cutAt = 260;

/** One step in the neutral form: what was thought, done and seen. Text nodes only. */
export function StepText({ step, unfolded }: { readonly step: ShownStep; readonly unfolded: boolean }) {
  return (
    <>
      {step.continued ? <p class="continued">{l10n.t('It goes on after an answer.')}</p> : null}
      <p class="thought">{step.thought}</p>
      <p class="action">
        <span class="tool-name">{step.action}</span>
        {step.argument === '' ? null : <span class="argument">{step.argument}</span>}
      </p>
      {step.observation === '' ? null : <Observation text={step.observation} unfolded={unfolded} />}
    </>
  );
}

function Observation({ text, unfolded }: { readonly text: string; readonly unfolded: boolean }) {
  const [open, setOpen] = useState(false);
  const long = text.length > cutAt + 60;
  const all = !long || unfolded || open;
  return (
    <div class="observation">
      <p>{all ? text : `${text.slice(0, cutAt)} …`}</p>
      {long && !unfolded ? (
        <button
          type="button"
          class="link"
          aria-expanded={open}
          onClick={() => {
            setOpen(!open);
          }}
        >
          {open ? l10n.t('Less') : l10n.t('All {0} characters', integer(text.length))}
        </button>
      ) : null}
    </div>
  );
}

/** A list of steps with their numbers. */
export function StepList({ children, label }: { readonly children: ComponentChildren; readonly label: string }) {
  return (
    <ol class="steps" aria-label={label}>
      {children}
    </ol>
  );
}
