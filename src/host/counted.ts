import * as l10n from '@vscode/l10n';

/** Numbers of things in words, with the singular where there is one. */
export const counted = {
  trajectories: (n: number): string =>
    n === 1 ? l10n.t('1 trajectory') : l10n.t('{0} trajectories', n.toLocaleString('en-US')),
  questions: (n: number): string =>
    n === 1 ? l10n.t('1 question') : l10n.t('{0} questions', n.toLocaleString('en-US')),
  steps: (n: number): string => (n === 1 ? l10n.t('1 step') : l10n.t('{0} steps', n)),
  runs: (n: number): string => (n === 1 ? l10n.t('1 run') : l10n.t('{0} runs', n)),
  notes: (n: number): string => (n === 1 ? l10n.t('1 note') : l10n.t('{0} notes', n)),
  pairs: (n: number): string => (n === 1 ? l10n.t('1 pair') : l10n.t('{0} pairs', n)),
} as const;
