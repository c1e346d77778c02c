import * as l10n from '@vscode/l10n';
/** Figures as people read them. */

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return l10n.t('{0} s', whole);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return l10n.t('{0} min {1} s', minutes, String(whole % 60).padStart(2, '0'));
  return l10n.t('{0} h {1} min', Math.floor(minutes / 60), String(minutes % 60).padStart(2, '0'));
}

export function integer(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Large counts in three digits: 1.24 M. */
export function compact(value: number): string {
  return value < 10_000
    ? integer(value)
    : new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 }).format(value);
}

/** A share of one as a percentage with one decimal. */
export function percent(share: number): string {
  return (share * 100).toFixed(1);
}

export function rate(perSecond: number): string {
  return perSecond >= 1
    ? l10n.t('{0} a second', perSecond.toFixed(1))
    : l10n.t('{0} a minute', (perSecond * 60).toFixed(1));
}

/** With a sign, in percentage points. */
export function points(difference: number): string {
  const value = difference * 100;
  return `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(1)}`;
}

export function pValue(p: number): string {
  return p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`;
}
