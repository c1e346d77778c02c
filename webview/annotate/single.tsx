import * as l10n from '@vscode/l10n';
import { useEffect, useRef, useState } from 'preact/hooks';
import { stepVerdicts } from '../../src/core/annotate/records.ts';
import { verdictName } from '../../src/protocol/words.ts';
import type { AnnotateAction, ShownItem, ShownStep } from '../../src/protocol/annotate.ts';
import { Button, TextArea } from '../kit/ui/controls.tsx';
import { Reason } from './reason.tsx';
import { StepList, StepText } from './steps.tsx';

interface Props {
  readonly item: ShownItem;
  readonly unfolded: boolean;
  readonly editing: boolean;
  readonly setEditing: (editing: boolean) => void;
  readonly act: (action: AnnotateAction) => void;
}

/** One trajectory, judged step by step; a step can be corrected, which forks the trajectory there. */
export function SingleTrajectory({ item, unfolded, editing, setEditing, act }: Props) {
  const steps = item.candidates[0]?.steps ?? [];
  const forked = steps.some((s) => s.correction !== undefined);
  return (
    <section class="single" aria-label={l10n.t('Trajectory')}>
      <StepList label={l10n.t('Steps')}>
        {steps.map((step, i) => (
          <Step
            key={i}
            step={step}
            number={i + 1}
            current={item.focus === String(i + 1)}
            itemId={item.id}
            unfolded={unfolded}
            editing={editing}
            setEditing={setEditing}
            act={act}
          />
        ))}
      </StepList>
      <div class="whole" role="group" aria-label={l10n.t('The whole trajectory')}>
        <button
          type="button"
          class="choice wide"
          aria-pressed={item.accepted === true}
          onClick={() => {
            act({ do: 'judge', accepted: true });
          }}
        >
          {l10n.t('Accept (A)')}
        </button>
        <button
          type="button"
          class="choice wide"
          aria-pressed={item.accepted === false}
          onClick={() => {
            act({ do: 'judge', accepted: false });
          }}
        >
          {l10n.t('Reject (X)')}
        </button>
      </div>
      {forked ? (
        <p class="muted">
          {l10n.t(
            'Edited: the fork is the trajectory up to the corrected step. It is kept as a label, and trains nothing unless a task card asks for it.',
          )}
        </p>
      ) : null}
    </section>
  );
}

interface StepProps {
  readonly step: ShownStep;
  readonly number: number;
  readonly current: boolean;
  readonly itemId: string;
  readonly unfolded: boolean;
  readonly editing: boolean;
  readonly setEditing: (editing: boolean) => void;
  readonly act: (action: AnnotateAction) => void;
}

function Step({ step, number, current, itemId, unfolded, editing, setEditing, act }: StepProps) {
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: 'nearest' });
  }, [current, editing]);
  const classes = ['step', current ? 'current' : '', step.cutOff ? 'cut-off' : ''].filter(Boolean).join(' ');
  return (
    <li ref={row} class={classes} aria-current={current ? 'step' : undefined}>
      <div class="step-head">
        <button
          type="button"
          class="aspect-title"
          onClick={() => {
            act({ do: 'focus', focus: String(number) });
          }}
        >
          {l10n.t('Step {0}', number)}
        </button>
        {step.by === undefined ? null : <span class="muted">{step.by}</span>}
        {step.verdict === undefined ? null : (
          <span class={step.verdict === 'good' ? 'verdict good' : 'verdict bad'}>{verdictName(step.verdict)}</span>
        )}
        {step.cutOff ? <span class="muted">{l10n.t('no part of the fork')}</span> : null}
      </div>
      <StepText step={step} unfolded={unfolded} />
      {step.correction === undefined ? null : (
        <div class="correction">
          <p class="muted">{l10n.t('Corrected (edited by hand):')}</p>
          <p class="thought">{step.correction.thought}</p>
          <p class="action">
            <span class="tool-name">{step.correction.tool}</span>
            <span class="argument">{step.correction.argument}</span>
          </p>
        </div>
      )}
      {current && editing ? (
        <Editor
          step={step}
          cancel={() => {
            setEditing(false);
          }}
          save={(edited) => {
            act({ do: 'correct', step: number, ...edited });
            setEditing(false);
          }}
        />
      ) : null}
      {current && !editing ? (
        <div class="verdicts">
          <div class="choices" role="group" aria-label={l10n.t('Verdict on step {0}', number)}>
            {stepVerdicts.map((verdict, i) => (
              <button
                key={verdict}
                type="button"
                class="choice wide"
                aria-pressed={step.verdict === verdict}
                onClick={() => {
                  act({ do: 'verdict', step: number, verdict });
                }}
              >
                <kbd>{i + 1}</kbd> {verdictName(verdict)}
              </button>
            ))}
            <button
              type="button"
              class="choice wide"
              onClick={() => {
                setEditing(true);
              }}
            >
              <kbd>E</kbd> {l10n.t('Correct …')}
            </button>
          </div>
          <Reason
            key={`${itemId}/${number}`}
            label={l10n.t('Reason: step {0}', number)}
            value={step.reason}
            disabled={step.verdict === undefined}
            save={(reason) => {
              act({ do: 'stepReason', step: number, reason });
            }}
          />
        </div>
      ) : null}
    </li>
  );
}

interface EditorProps {
  readonly step: ShownStep;
  readonly cancel: () => void;
  readonly save: (edited: { thought: string; tool: string; argument: string }) => void;
}

function Editor({ step, cancel, save }: EditorProps) {
  const [thought, setThought] = useState(step.correction?.thought ?? step.thought);
  const [tool, setTool] = useState(step.correction?.tool ?? step.action);
  const [argument, setArgument] = useState(step.correction?.argument ?? step.argument);
  const form = useRef<HTMLDivElement>(null);
  useEffect(() => {
    form.current?.querySelector('textarea')?.focus();
  }, []);
  const done = (): void => {
    save({ thought, tool, argument });
  };
  return (
    <div
      class="editor"
      ref={form}
      role="group"
      aria-label={l10n.t('Correct this step')}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) done();
      }}
    >
      <TextArea label={l10n.t('Thought')} value={thought} rows={3} onChange={setThought} shown />
      <TextArea label={l10n.t('Tool')} value={tool} rows={1} onChange={setTool} shown />
      <TextArea label={l10n.t('Argument')} value={argument} rows={2} onChange={setArgument} shown />
      <div class="tools">
        <Button kind="primary" onClick={done}>
          {l10n.t('Save (Ctrl+Enter)')}
        </Button>
        <Button onClick={cancel}>{l10n.t('Cancel')}</Button>
      </div>
    </div>
  );
}
