import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';

/** Form controls. Whatever draws them, they take a label, a value and a callback with the new value. */

export interface ButtonProps {
  readonly onClick: () => void;
  readonly children: ComponentChildren;
  readonly kind?: 'primary' | 'secondary';
  readonly disabled?: boolean;
  /** When the text alone does not say what it acts on. */
  readonly label?: string;
}

export function Button({ onClick, children, kind = 'secondary', disabled = false, label }: ButtonProps) {
  return (
    <aat-button
      appearance={kind}
      disabled={disabled}
      onClick={() => disabled || onClick()}
      {...(label === undefined ? {} : { 'aria-label': label })}
    >
      {children}
    </aat-button>
  );
}

/** The toolkit names its elements itself ("Text field") when they enter the page; our name is set after that. */
function useName(label: string): RefObject<HTMLElement> {
  const element = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    element.current?.setAttribute('aria-label', label);
  }, [label]);
  return element;
}

export interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly description?: string;
  readonly disabled?: boolean;
  readonly invalid?: string | undefined;
}

function valueOf(event: Event): string {
  const { target } = event;
  return target !== null && 'value' in target && typeof target.value === 'string' ? target.value : '';
}

export function TextField({
  label,
  value,
  onChange,
  placeholder = '',
  description,
  disabled = false,
  invalid,
}: TextFieldProps) {
  const id = useId();
  const element = useName(label);
  const note = invalid ?? description;
  return (
    <div class="field">
      <span class="field-label" aria-hidden="true">
        {label}
      </span>
      <aat-text-field
        ref={element}
        value={value}
        placeholder={placeholder}
        disabled={disabled}
        onInput={(event: Event) => {
          onChange(valueOf(event));
        }}
        {...(note === undefined ? {} : { 'aria-describedby': id })}
        {...(invalid === undefined ? {} : { 'aria-invalid': 'true' as const })}
      />
      {note === undefined ? null : (
        <span class={invalid === undefined ? 'field-note' : 'field-note invalid'} id={id}>
          {note}
        </span>
      )}
    </div>
  );
}

export interface DropdownProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly onChange: (value: T) => void;
  readonly description?: string;
  readonly disabled?: boolean;
}

export function Dropdown<T extends string>({
  label,
  value,
  options,
  onChange,
  description,
  disabled = false,
}: DropdownProps<T>) {
  const id = useId();
  const element = useName(label);
  // The toolkit learns of its options a turn after they are in the page; a value that is set earlier is lost.
  useEffect(() => {
    const timer = setTimeout(() => {
      if (element.current !== null && 'value' in element.current && element.current.value !== value)
        element.current.value = value;
    });
    return () => {
      clearTimeout(timer);
    };
  }, [value, options.length]);
  return (
    <div class="field">
      <span class="field-label" aria-hidden="true">
        {label}
      </span>
      <aat-dropdown
        ref={element}
        disabled={disabled}
        {...(description === undefined ? {} : { 'aria-describedby': id })}
        onChange={(event: Event) => {
          const chosen = options.find((option) => option.value === valueOf(event));
          if (chosen !== undefined && chosen.value !== value) onChange(chosen.value);
        }}
      >
        {options.map((option) => (
          <aat-option key={option.value} value={option.value} selected={option.value === value}>
            {option.label}
          </aat-option>
        ))}
      </aat-dropdown>
      {description === undefined ? null : (
        <span class="field-note" id={id}>
          {description}
        </span>
      )}
    </div>
  );
}

export interface TextAreaProps {
  readonly label: string;
  readonly value: string;
  readonly rows: number;
  readonly onChange: (value: string) => void;
  readonly onBlur?: () => void;
  readonly class?: string;
  readonly placeholder?: string;
  readonly disabled?: boolean;
  /** Show the label above; else it is for screen readers alone. */
  readonly shown?: boolean;
}

export function TextArea({
  label,
  value,
  rows,
  onChange,
  onBlur,
  class: name = '',
  placeholder = '',
  disabled = false,
  shown = false,
}: TextAreaProps) {
  return (
    <div class="field">
      {shown ? (
        <span class="field-label" aria-hidden="true">
          {label}
        </span>
      ) : null}
      <textarea
        class={name}
        aria-label={label}
        value={value}
        rows={rows}
        placeholder={placeholder}
        disabled={disabled}
        onInput={(event) => {
          onChange(event.currentTarget.value);
        }}
        onBlur={() => onBlur?.()}
      />
    </div>
  );
}
