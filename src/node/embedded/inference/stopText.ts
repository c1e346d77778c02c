/**
 * Finds stop strings in text that arrives in pieces. Text that may be the beginning of a stop string is held back, so
 * that nothing is ever streamed that has to be taken back.
 */
export class StopText {
  private readonly stops: readonly string[];
  private held = '';
  constructor(stops: readonly string[]) {
    this.stops = stops.filter((stop) => stop !== '');
  }

  /** @returns text that is safe to show, and whether a stop string was reached (then nothing follows). */
  push(piece: string): { text: string; stopped: boolean } {
    if (this.stops.length === 0) return { text: piece, stopped: false };
    const all = this.held + piece;
    let cut = -1;
    for (const stop of this.stops) {
      const at = all.indexOf(stop);
      if (at >= 0 && (cut < 0 || at < cut)) cut = at;
    }
    if (cut >= 0) {
      this.held = '';
      return { text: all.slice(0, cut), stopped: true };
    }
    const keep = this.longestOpenPrefix(all);
    this.held = all.slice(all.length - keep);
    return { text: all.slice(0, all.length - keep), stopped: false };
  }

  /** What was held back when generation ended for another reason. */
  flush(): string {
    const rest = this.held;
    this.held = '';
    return rest;
  }

  private longestOpenPrefix(text: string): number {
    let longest = 0;
    for (const stop of this.stops)
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--)
        if (stop.startsWith(text.slice(text.length - length))) longest = length;
    return longest;
  }
}
