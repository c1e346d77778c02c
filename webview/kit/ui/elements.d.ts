import type { JSX } from 'preact';

type Control = JSX.HTMLAttributes<HTMLElement> & {
  value?: string;
  appearance?: 'primary' | 'secondary' | 'icon';
  disabled?: boolean;
  checked?: boolean;
  placeholder?: string;
  selected?: boolean;
};

declare module 'preact' {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how preact's types are extended
  namespace JSX {
    interface IntrinsicElements {
      'aat-button': Control;
      'aat-checkbox': Control;
      'aat-dropdown': Control;
      'aat-option': Control;
      'aat-text-field': Control;
    }
  }
}
