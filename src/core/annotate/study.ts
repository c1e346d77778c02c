import * as z from 'zod';
import { annotatorPattern, annotatorRule, namedTwice, sameName } from './studyNames.ts';

/**
 * A study, `*.study.json`: whose trajectories are judged, on what, by whom (paper Appendix C; research: methods 5.3).
 * It names the methods, so it is the researcher's file; annotators work from what `prepare` makes of it.
 */

const id = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]{0,39}$/, 'Letters, digits, - and _, at most 40.')
  .describe('Short name, used in files.');

export const StudyMethod = z
  .object({
    id,
    title: z.string().min(1).optional().describe('Name in the report; the id when left out.'),
    run: z.string().min(1).optional().describe('Id of a run in .autoact/runs whose evaluation answered the questions.'),
    system: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Which system of that run: autoact, zero-shot, …; synthesis: the trajectories that its agents learn from.',
      ),
    folder: z
      .string()
      .min(1)
      .optional()
      .describe('Instead of a run: what autoact import trajectories has made, relative to this file.'),
  })
  .strict()
  .refine((m) => (m.folder === undefined) !== (m.run === undefined && m.system === undefined), {
    message: 'Name a run and its system, or a folder of imported trajectories.',
  })
  .refine((m) => (m.run === undefined) === (m.system === undefined), {
    message: 'A run needs its system, and a system its run.',
  });
export type StudyMethod = z.infer<typeof StudyMethod>;

export const Aspect = z
  .object({
    id,
    title: z.string().min(1).max(60).describe('As the panel shows it.'),
    rubric: z.string().min(1).describe('What makes one trajectory better than another on this aspect.'),
    anchors: z
      .array(z.object({ text: z.string().min(1), judgement: z.string().min(1) }).strict())
      .default([])
      .describe('Two examples or so that fix the scale: a trajectory in words, and how it is to be judged.'),
  })
  .strict();
export type Aspect = z.infer<typeof Aspect>;

/** The five aspects of the paper's human evaluation; rubric and anchors are ours, since the paper gives none. */
export const paperAspects: readonly Aspect[] = [
  {
    id: 'rounds',
    title: 'Number of rounds',
    rubric: 'As many steps as the question needs, and none wasted. Fewer is not better when evidence is then missing.',
    anchors: [
      { text: 'Three look-ups for a question with three links, then the answer.', judgement: 'good' },
      {
        text: 'The same search four times in other words; or an answer before anything was looked up.',
        judgement: 'poor',
      },
    ],
  },
  {
    id: 'thoughts',
    title: 'Logical correctness of thoughts',
    rubric: 'Each thought follows from the question and from what was observed, and says no more than that.',
    anchors: [
      { text: '"The page says she was born in Oslo, so I need the country of Oslo."', judgement: 'good' },
      { text: '"The search found nothing, so the answer must be Paris."', judgement: 'poor' },
    ],
  },
  {
    id: 'action-types',
    title: 'Action types',
    rubric: 'The tool that is called at each step is the one that can bring what the thought asks for.',
    anchors: [
      { text: 'Opens the page of a person that is known by name.', judgement: 'good' },
      { text: 'Looks for a word in a page before any page was found.', judgement: 'poor' },
    ],
  },
  {
    id: 'action-parameters',
    title: 'Action parameters',
    rubric: 'What is given to the tool is exact: the entity or the words that would find the evidence.',
    anchors: [
      { text: 'Search[population of Oslo 2020] when that is what is asked.', judgement: 'good' },
      { text: 'Search[it]; or the whole question when one name was needed.', judgement: 'poor' },
    ],
  },
  {
    id: 'coherence',
    title: 'Overall coherence',
    rubric: 'Read as a whole, the trajectory is one line of reasoning from the question to its answer.',
    anchors: [
      {
        text: 'Every step uses what the one before it found, and the answer is what the last one shows.',
        judgement: 'good',
      },
      { text: 'Steps contradict each other, or the answer comes from nowhere.', judgement: 'poor' },
    ],
  },
];

const annotatorName = z.string().regex(annotatorPattern, annotatorRule);

export const tiePolicies = ['none', 'split', 'adjudicate'] as const;
export type TiePolicy = (typeof tiePolicies)[number];

export const Study = z
  .object({
    $schema: z.string().optional(),
    name: id.describe('Name of the study; its folder and its figures are called so.'),
    instructions: z.string().default('').describe('What annotators read first. Name no method here.'),
    design: z
      .enum(['n-way', 'pairwise', 'single'])
      .default('n-way')
      .describe('All methods of a question together, each two of them, or one trajectory at a time, step by step.'),
    methods: z.array(StudyMethod).min(1).describe('Whose trajectories are judged.'),
    questions: z
      .object({
        perLevel: z
          .number()
          .int()
          .min(1)
          .optional()
          .describe('Questions of each level, drawn at random; all when left out.'),
        finishedOnly: z.boolean().default(false).describe('Only questions on which every method came to an end.'),
      })
      .strict()
      .prefault({})
      .describe('Which of the questions that all methods answered.'),
    aspects: z
      .array(Aspect)
      .min(1)
      .default([...paperAspects])
      .describe('What is judged; the paper’s five when left out.'),
    raters: z
      .array(annotatorName)
      .min(1)
      .describe('Names of the annotators; each has a file of this name. Initials will do.'),
    overlap: z.number().int().min(1).optional().describe('Annotators for each question; all of them when left out.'),
    repeats: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.05)
      .describe('Share of an annotator’s items that come a second time, to see how consistent he or she is.'),
    ties: z
      .enum(tiePolicies)
      .default('none')
      .describe('No majority: no winner (none), shared by votes (split), or decided by an adjudicator (adjudicate).'),
    adjudicator: annotatorName.optional().describe('Who decides under the policy adjudicate; any name but a rater’s.'),
    reflections: z
      .enum(['remove', 'keep'])
      .default('remove')
      .describe('The paper removes reflection from what annotators see, since it tells the method.'),
    toolNames: z
      .record(z.string(), z.string())
      .default({})
      .describe('Neutral names of further tools, so that a tool’s name does not tell the method.'),
    tells: z.array(z.string().min(2)).default([]).describe('Further words that tell a method; they are taken out.'),
    confidence: z.boolean().default(false).describe('Ask how sure the annotator is.'),
    audit: z
      .object({
        method: id.optional().describe('Whose trajectory is to be guessed; the first method when left out.'),
        items: z.number().int().min(0).default(5).describe('Guesses at the end of each annotator’s work.'),
        question: z
          .string()
          .min(1)
          .default('Which of these do you think comes from the system that this study is about?'),
      })
      .strict()
      .prefault({})
      .describe('Guessing at the end shows whether annotators knew the method after all.'),
  })
  .strict()
  .superRefine((study, context) => {
    const say = (path: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [path], message });
    };
    for (const [path, names] of [
      ['methods', study.methods.map((m) => m.id)],
      ['aspects', study.aspects.map((a) => a.id)],
      ['raters', study.raters],
    ] as const) {
      const name = namedTwice(names);
      if (name !== undefined) say(path, `"${name}" is named twice.`);
    }
    if (study.design !== 'single' && study.methods.length < 2) say('methods', 'A comparison needs two methods.');
    if (study.methods.length > 9) say('methods', 'At most nine methods can be told apart by keys.');
    if ((study.overlap ?? 1) > study.raters.length) say('overlap', 'There are fewer raters than that.');
    if (study.audit.method !== undefined && !study.methods.some((m) => m.id === study.audit.method))
      say('audit', `There is no method "${study.audit.method}".`);
    if (study.ties === 'adjudicate' && study.adjudicator === undefined)
      say('adjudicator', 'The policy adjudicate needs an adjudicator.');
    const { adjudicator } = study;
    if (adjudicator !== undefined && study.raters.some((rater) => sameName(rater, adjudicator)))
      say('adjudicator', 'An adjudicator is none of the raters.');
  });
export type Study = z.infer<typeof Study>;

/** What is wrong with a study or with what was made of it. */
export class StudyError extends Error {
  override readonly name = 'StudyError';
  readonly reason: 'study' | 'not-prepared' | 'prepared' | 'data' | 'tampered';
  readonly remedy: string | undefined;

  constructor(reason: StudyError['reason'], message: string, remedy?: string) {
    super(message);
    this.reason = reason;
    this.remedy = remedy;
  }

  static is(error: unknown, reason?: StudyError['reason']): error is StudyError {
    return error instanceof StudyError && (reason === undefined || error.reason === reason);
  }
}

/** Reads a study. @param remedy for one that is in no file yet. @throws StudyError `study` */
export function parseStudy(
  value: unknown,
  from: string,
  remedy = 'Open it in the editor: each fault is underlined there.',
): Study {
  const parsed = Study.safeParse(value);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.') || '(study)'}: ${issue.message}`);
  throw new StudyError('study', `The study ${from} has faults:\n${lines.join('\n')}`, remedy);
}
