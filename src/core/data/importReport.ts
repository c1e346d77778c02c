import { visible } from '../trajectory/visible.ts';

/** What became of one row of a source, counted by reason; the first few places of each reason are kept as examples. */
export interface Finding {
  readonly reason: string;
  readonly count: number;
  /** `file:line` or `file#key`, the first ones only. */
  readonly places: readonly string[];
}

export interface ImportReport {
  /** Rows that were looked at. */
  readonly read: number;
  /** Rows that became a question or a trajectory. */
  readonly kept: number;
  /** Kept, with something put right. */
  readonly repaired: readonly Finding[];
  /** Left out. */
  readonly refused: readonly Finding[];
  /** Kept as they are; the reader should know. */
  readonly noted: readonly Finding[];
}

const examplesKept = 5;

/** Collects findings while rows stream past. Nothing is dropped without a line here. */
export class ImportLog {
  #read = 0;
  #kept = 0;
  readonly #findings = {
    repaired: new Map<string, Tally>(),
    refused: new Map<string, Tally>(),
    noted: new Map<string, Tally>(),
  };

  read(): void {
    this.#read++;
  }

  kept(): void {
    this.#kept++;
  }

  repaired(reason: string, place: string): void {
    count(this.#findings.repaired, reason, place);
  }

  refused(reason: string, place: string): void {
    count(this.#findings.refused, reason, place);
  }

  noted(reason: string, place: string): void {
    count(this.#findings.noted, reason, place);
  }

  report(): ImportReport {
    const list = (tallies: ReadonlyMap<string, Tally>): Finding[] =>
      [...tallies].map(([reason, tally]) => ({ reason, ...tally })).sort((a, b) => b.count - a.count);
    return {
      read: this.#read,
      kept: this.#kept,
      repaired: list(this.#findings.repaired),
      refused: list(this.#findings.refused),
      noted: list(this.#findings.noted),
    };
  }
}

interface Tally {
  count: number;
  readonly places: string[];
}

function count(tallies: Map<string, Tally>, reason: string, place: string): void {
  const tally = tallies.get(reason) ?? { count: 0, places: [] };
  tally.count++;
  if (tally.places.length < examplesKept) tally.places.push(place);
  tallies.set(reason, tally);
}

/** The report in lines for a terminal or a message; reasons and places quote the files, which are not to be trusted. */
export function renderImportReport(report: ImportReport): string {
  const part = (title: string, findings: readonly Finding[]): string[] =>
    findings.map(
      (f) => `  ${title}: ${f.count} × ${f.reason} (${f.places.join(', ')}${f.count > f.places.length ? ', …' : ''})`,
    );
  const lines = [
    `${report.read} rows read, ${report.kept} kept, ${report.refused.reduce((sum, f) => sum + f.count, 0)} refused`,
    ...part('repaired', report.repaired),
    ...part('refused', report.refused),
    ...part('noted', report.noted),
  ];
  return lines.map((line) => visible(line).replaceAll('\n', ' ')).join('\n');
}
