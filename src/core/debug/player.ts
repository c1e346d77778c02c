import { requestIdentity, type LogEntry } from '../run/log.ts';
import { samplingSeed } from '../run/random.ts';
import { isRequestList } from '../run/runner.ts';
import type { Request, TraceNote } from '../run/request.ts';
import { Stepper } from '../run/stepper.ts';
import { Answers, type PlayerOptions, type Spent } from './answers.ts';
import { DebugError } from './debugError.ts';
import { changedTake, completionEdit, producerOf, type EditableField } from './edit.ts';
import { answerTo, EntryWriter, indexOf, notesBefore, notesOf, type Moment, type Part, type Site } from './path.ts';
import { Tape, type Take } from './tape.ts';
import type { DebugMode, DebugTarget, Fork, ForkEdit, ForkRecord } from './target.ts';

interface OpenFork {
  readonly fork: Fork;
  record: ForkRecord;
  writer: EntryWriter;
  /** Positions before this one are stored. */
  written: number;
}

/**
 * Plays one item forwards and backwards, a request at a time, over core's stepper: it finds the answers, keeps what was
 * answered, and starts a fork as soon as anything differs from the recording. It knows no clock, no file and no protocol.
 */
export class Player {
  readonly target: DebugTarget;
  readonly mode: DebugMode;
  readonly #options: PlayerOptions;
  readonly #stepper: Stepper<unknown>;
  readonly #tape: Tape;
  readonly #answers: Answers;
  #passed: Moment[] = [];
  #answered: readonly Part[] | undefined;
  #known: readonly TraceNote[];
  #fork: OpenFork | undefined;
  #samples = 0;

  constructor(target: DebugTarget, options: PlayerOptions) {
    this.target = target;
    this.mode = options.mode;
    this.#options = options;
    this.#tape = new Tape(target.entries);
    this.#answers = new Answers(target, this.#tape, options);
    this.#known = target.entries.flatMap((entry) => ('note' in entry ? [entry.note] : []));
    this.#stepper = new Stepper(() => target.start());
    this.#arrive();
  }

  get site(): Site {
    const { position, pending, result } = this.#stepper;
    if (pending === undefined) return { phase: 'end', position, result };
    const requests = isRequestList(pending) ? pending : [pending];
    const [first] = requests;
    if (first?.kind === 'note' && requests.every(({ kind }) => kind === 'note'))
      return { phase: 'note', position, note: first.note };
    if (this.#answered !== undefined) return { phase: 'answered', position, parts: this.#answered };
    return { phase: 'asked', position, requests };
  }

  get ended(): boolean {
    return this.#stepper.pending === undefined;
  }

  /** What lies behind, oldest first. */
  get passed(): readonly Moment[] {
    return this.#passed;
  }

  /** The path's notes as far as they are known: in a replay to the end, on a fork to the furthest point reached. */
  get notes(): readonly TraceNote[] {
    return this.#known;
  }

  /** Index of the note that waits, or will be the next, in {@link notes}. */
  get noteIndex(): number {
    return notesBefore(this.#passed, this.#passed.length);
  }

  get fork(): { readonly document: string | undefined; readonly record: ForkRecord } | undefined {
    return this.#fork === undefined ? undefined : { document: this.#fork.fork.document, record: this.#fork.record };
  }

  get spent(): Spent {
    return this.#answers.spent;
  }

  /**
   * The smallest step forwards: a note is acknowledged, a question answered, an answer handed to the method.
   * @throws DebugError when there is no answer; ServerError, ToolError when asking failed: the site stays
   */
  async advance(signal: AbortSignal): Promise<void> {
    const { site } = this;
    switch (site.phase) {
      case 'note':
        this.#feed(this.#pendingParts().map(({ i, request }) => ({ i, request })));
        break;
      case 'asked':
        this.#answered = await this.#answers.obtain(this.#pendingParts(), signal);
        break;
      case 'answered':
        this.#feed(site.parts);
        break;
      case 'end':
        break;
    }
  }

  /** Goes back to a position that was passed. `answered` shows a question with the answer that it had. */
  goTo(position: number, phase: 'asked' | 'answered' = 'asked'): void {
    const moment = this.#passed[position];
    if (position !== this.#stepper.position) {
      this.#stepper.goTo(position);
      this.#passed = this.#passed.slice(0, position);
    }
    this.#answered =
      phase === 'answered' && moment?.parts.some(({ take }) => take !== undefined) === true ? moment.parts : undefined;
    this.#arrive();
  }

  /**
   * Changes what was said and goes on from there on a fork, up to the note that was waiting.
   * @throws DebugError `not-editable`, `recording-only`
   */
  async edit(field: EditableField, value: string, signal: AbortSignal): Promise<void> {
    this.#mustBeEditable();
    const { site } = this;
    if (site.phase === 'end') throw new DebugError('not-editable', 'The plan has ended; step back to edit it.');
    if (site.phase === 'note') {
      const producer = producerOf(this.#passed, site.note, field);
      const [part] = [this.#passed[producer.position]?.parts[producer.part]];
      if (part?.take === undefined) throw new DebugError('not-editable', `The ${field} cannot be edited here.`);
      const after = completionEdit(part.take.answer.text, field, site.note, value);
      const until = this.noteIndex;
      this.#change(producer.position, part, after, field, site.note.step);
      while (this.site.phase !== 'end' && (this.noteIndex < until || this.site.phase !== 'note'))
        await this.advance(signal);
      return;
    }
    const parts = site.phase === 'answered' ? site.parts : this.#pendingParts();
    const part = parts.find(({ request }) => request.kind !== 'note');
    if (part === undefined || parts.length > 1)
      throw new DebugError(
        'not-editable',
        'Answers that are asked together are edited at the notes that they lead to.',
      );
    this.#change(site.position, part, value, field, this.#stepNow());
    this.#answered = await this.#answers.obtain(this.#pendingParts(), signal);
  }

  /** Asks the completion at a position again, with another seed. @throws DebugError `live-only` */
  async resample(position: number, signal: AbortSignal): Promise<void> {
    this.#mustBeEditable();
    const moment = this.#passed[position];
    const request =
      moment?.parts[0]?.request ?? (position === this.site.position ? this.#pendingParts()[0]?.request : undefined);
    const { drivers } = this.target;
    if (this.target.source !== undefined)
      throw new DebugError(
        'live-only',
        'Sampling a step again asks a model, and a trajectory from a file comes without its models. Edit the value instead: that makes a fork.',
      );
    if (this.mode !== 'live' || drivers === undefined)
      throw new DebugError('live-only', 'Sampling a step again asks a model. Debug with "mode": "live" for that.');
    if (request?.kind !== 'complete' || (moment?.list ?? false))
      throw new DebugError('not-editable', 'There is no single model call here that could be sampled again.');
    const seed = samplingSeed(request.sampling.seed, this.target.key, `${position} again ${++this.#samples}`);
    const again = { ...request, sampling: { ...request.sampling, seed } };
    // It answers what the method asked, which knows nothing of the other seed.
    const hash = this.#options.hash(requestIdentity(request));
    const take: Take = { ...(await this.#answers.askModel(again, 'resampled', signal)), hash };
    const before = moment?.parts[0]?.take?.answer.text ?? '';
    this.goTo(position);
    this.#put(position, { i: String(position), request, take }, 'resample', before, this.#stepNow());
    this.#answered = await this.#answers.obtain(this.#pendingParts(), signal);
  }

  close(): void {
    this.#stepper.close();
  }

  #mustBeEditable(): void {
    const why = this.target.recordingOnly;
    if (why !== undefined) throw new DebugError('recording-only', `This trajectory can only be replayed: ${why}`);
  }

  #pendingParts(): { i: string; request: Request }[] {
    const { position, pending } = this.#stepper;
    if (pending === undefined) return [];
    const list = isRequestList(pending);
    return (list ? pending : [pending]).map((request, part) => ({ i: indexOf(position, list, part), request }));
  }

  #stepNow(): number {
    return this.site.phase === 'note' ? this.site.note.step : (this.#known[this.noteIndex - 1]?.step ?? 1);
  }

  /** Puts a changed answer under an index and goes to the point where it is given. */
  #change(position: number, part: Part, text: string, field: string, step: number): void {
    const { request } = part;
    if (request.kind === 'note') throw new DebugError('not-editable', 'A note is no answer.');
    const before = part.take?.answer.text ?? '';
    const take = changedTake(request, part.take, text, this.#options.hash(requestIdentity(request)));
    this.goTo(position);
    this.#put(position, { i: part.i, request, take }, field, before, step);
  }

  #put(position: number, part: Part, field: string, before: string, step: number): void {
    if (part.take === undefined) return;
    const known = this.#tape.get(part.i);
    const open = this.#fork;
    const record = open?.record;
    this.#tape.set(part.i, part.take);
    try {
      this.#begin(position, { i: part.i, step, field, before, after: part.take.answer.text });
    } catch (error) {
      // What cannot be kept is no edit: what was said before is said again.
      if (known === undefined) this.#tape.delete(part.i);
      else this.#tape.set(part.i, known);
      this.#fork = open;
      if (open !== undefined && record !== undefined) open.record = record;
      throw error;
    }
  }

  /** Starts a fork at a position, or goes on with the one that is open when the change lies on it. */
  #begin(position: number, edit: ForkEdit | undefined): void {
    const edits = edit === undefined ? [] : [edit];
    const open = this.#fork;
    const step = edit?.step ?? this.#stepNow();
    if (open !== undefined && position >= open.record.forkedAt) {
      const earlier = open.record.edits.filter(({ i }) => Number.parseFloat(i) < position);
      open.record = { ...open.record, edits: [...earlier, ...edits] };
    } else {
      const fork = this.target.forks.open(this.target.key);
      const { header } = this.target;
      const record: ForkRecord = {
        version: 1,
        id: fork.id,
        run: header.run,
        root: this.target.key,
        parent: open?.record.id ?? this.target.parent ?? this.target.key,
        forkedAt: position,
        forkStep: step,
        mode: this.mode,
        createdAt: new Date(this.#options.now()).toISOString(),
        ...(header.task === undefined ? {} : { task: header.task }),
        ...(header.question === undefined ? {} : { question: header.question }),
        ...(this.target.source === undefined ? {} : { source: this.target.source }),
        edits,
      };
      this.#fork = { fork, record, writer: this.#writer(fork.id), written: 0 };
    }
    this.#known = this.#known.slice(0, notesBefore(this.#passed, position));
    this.#store(position);
  }

  #writer(item: string): EntryWriter {
    return new EntryWriter(item, this.#options.now, this.#options.hash);
  }

  /** Writes the open fork anew, up to a position. */
  #store(position: number): void {
    const open = this.#fork;
    if (open === undefined) return;
    open.writer = this.#writer(open.fork.id);
    open.written = position;
    open.fork.write(
      open.record,
      this.#passed.slice(0, position).flatMap(({ parts }) => open.writer.entries(parts)),
    );
    this.#arrive();
  }

  #append(parts: readonly Part[], position: number): void {
    const open = this.#fork;
    if (open === undefined || position < open.written) return;
    for (const entry of open.writer.entries(parts)) open.fork.append(entry);
    open.written = position + 1;
  }

  /** A note that waits is shown before it is acknowledged: the trace has its line. */
  #arrive(): void {
    const parts = this.#pendingParts();
    if (parts.length === 0 || parts.some(({ request }) => request.kind !== 'note')) return;
    this.#learn(parts, this.#passed.length);
    this.#append(parts, this.#stepper.position);
  }

  #learn(parts: readonly Pick<Part, 'request'>[], moments: number): void {
    const at = notesBefore(this.#passed, moments);
    for (const [k, note] of notesOf(parts).entries()) {
      const known = this.#known[at + k];
      if (known !== undefined && JSON.stringify(known) === JSON.stringify(note)) continue;
      this.#known = [...this.#known.slice(0, at + k), note];
    }
  }

  #feed(parts: readonly Part[]): void {
    const position = this.#stepper.position;
    const list = isRequestList(this.#stepper.pending ?? []);
    const departs = parts.some(
      ({ take, fit }) => take !== undefined && (take.origin !== 'recorded' || fit === 'model' || fit === 'tool'),
    );
    // A fork that is debugged again has answers of many origins; it departs from itself where a new one is given.
    const isNew = departs && parts.some(({ i, take }) => take !== undefined && !this.#wasRecorded(i, take));
    if (isNew && (this.#fork === undefined || position < this.#fork.record.forkedAt)) this.#begin(position, undefined);
    const answers = parts.map(answerTo);
    try {
      this.#stepper.answer(list ? answers : (answers[0] ?? { kind: 'noted' }));
    } catch (error) {
      this.#stepper.goTo(position);
      throw new DebugError('method', `The method failed: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#answered = undefined;
    this.#learn(parts, this.#passed.length);
    this.#append(parts, position);
    this.#passed.push({ parts, list });
    this.#arrive();
    if (this.#stepper.pending === undefined) this.#finish();
  }

  #wasRecorded(i: string, take: Take): boolean {
    return this.target.entries.some((entry) => 'answer' in entry && entry.i === i && entry.answer === take.answer);
  }

  #finish(): void {
    const open = this.#fork;
    if (open === undefined || open.written > this.#stepper.position) return;
    open.written = this.#stepper.position + 1;
    const entry: LogEntry = { t: this.#options.now(), item: open.fork.id, result: this.#stepper.result };
    open.fork.append(entry);
  }
}
