/** Figures as people read them. */

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
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
  return perSecond >= 1 ? `${perSecond.toFixed(1)} a second` : `${(perSecond * 60).toFixed(1)} a minute`;
}

/** With a sign, in percentage points. */
export function points(difference: number): string {
  const value = difference * 100;
  return `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(1)}`;
}

export function pValue(p: number): string {
  return p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`;
}
