import type { ForkEdit } from '../debug/target.ts';
import { outlineTrace, type TraceSection } from './traceOutline.ts';
import { visibleLine } from './visible.ts';

/** Longest earlier value that is shown beside a line, in characters; a comparison shows all of it. */
const longestShown = 120;

export interface ForkMark {
  /** Where the edited value stands in the trace's text, counting from 0. */
  readonly line: number;
  /** What the value was; empty where there was none, since a person has given the first one. */
  readonly before: string;
}

/**
 * Where a fork's text differs by a person's hand. An edit knows the raw answer and not the line: it is the note of the
 * edit's step that says what the answer says, or else the step's heading. Edits of steps that the text does not have yet
 * are left out.
 */
export function forkMarks(text: string, edits: readonly ForkEdit[]): ForkMark[] {
  const steps = outlineTrace(text).filter(({ kind }) => kind === 'step');
  return edits.flatMap(({ step, field, before, after }) => {
    const section = steps.find(({ title }) => title === `Step ${step}`);
    if (section === undefined) return [];
    const shown = visibleLine(withoutBracket(before), longestShown);
    return [{ line: noteOf(section, field, after)?.line ?? section.line, before: shown }];
  });
}

function noteOf(step: TraceSection, field: string, after: string): TraceSection | undefined {
  const said = visibleLine(after.trim());
  const title = { tool: 'Action', argument: 'Argument' }[field];
  return step.children
    .flatMap(({ children }) => children)
    .filter(({ detail }) => detail !== '' && (said.includes(detail) || (said !== '' && detail.includes(said))))
    .sort((a, b) => Number(b.title === title) - Number(a.title === title) || b.detail.length - a.detail.length)[0];
}

/** An argument is asked for within its brackets, and its answer ends with one that it has not begun. */
function withoutBracket(answer: string): string {
  const text = answer.trim();
  return text.endsWith(']') && !text.includes('[') ? text.slice(0, -1) : text;
}
