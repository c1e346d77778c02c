/**
 * Reads the headings back out of a trace's text, so that folding, outline and navigation also work on a trace that was
 * saved to a file or pasted into a diff.
 */

export type TraceSectionKind = 'step' | 'agent' | 'note';

/** A heading and what belongs to it. Lines count from 0; `endLine` is the last line that belongs to it. */
export interface TraceSection {
  readonly kind: TraceSectionKind;
  /** `Step 3`, `Plan agent` or `Thought`. */
  readonly title: string;
  /** The rest of the heading's line. */
  readonly detail: string;
  readonly line: number;
  endLine: number;
  readonly children: TraceSection[];
}

/** A comparison says more after the number: which side has the step. */
const stepHeading = /^=== (Step \d+)(?:, (.*))?\s*$/;
const agentHeading = /^(\S(?:.{0,58}\S)? agent|Environment)$/;
const noteHeading = /^ {2}([A-Z][a-z]+)(?: \([^)]*\))?:(?: (.*))?$/;
const endHeading = /^(?:=== (?:End|Not finished)|\.\.\. )/;

/** Sections of a trace's text: steps, in them agents, in them notes. Notes without a step stand at the top. */
export function outlineTrace(text: string): TraceSection[] {
  const lines = text.split('\n');
  const roots: TraceSection[] = [];
  let step: TraceSection | undefined;
  let agent: TraceSection | undefined;
  let note: TraceSection | undefined;
  const open = (
    kind: TraceSectionKind,
    title: string,
    detail: string,
    line: number,
    parent: TraceSection | undefined,
  ): TraceSection => {
    const section: TraceSection = { kind, title, detail, line, endLine: line, children: [] };
    (parent?.children ?? roots).push(section);
    return section;
  };
  for (const [index, line] of lines.entries()) {
    const asStep = stepHeading.exec(line);
    if (asStep !== null) {
      step = open('step', asStep[1] ?? '', asStep[2] ?? '', index, undefined);
      agent = note = undefined;
      continue;
    }
    if (endHeading.test(line)) break;
    const asAgent = agentHeading.exec(line);
    if (asAgent !== null) {
      agent = open('agent', asAgent[1] ?? '', '', index, step);
      note = undefined;
    } else if (agent !== undefined) {
      const asNote = noteHeading.exec(line);
      if (asNote !== null) note = open('note', asNote[1] ?? '', asNote[2] ?? '', index, agent);
    }
    if (line.trim() === '') continue;
    for (const section of [step, agent, note]) if (section !== undefined) section.endLine = index;
  }
  return roots;
}
