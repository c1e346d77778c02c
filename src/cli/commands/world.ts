import type { Command } from 'commander';
import { join, resolve } from 'node:path';
import { generateQuestions } from '../../core/world/questions.ts';
import { generateWorld } from '../../core/world/world.ts';
import { jsonLines, writeFileAtomic } from '../../node/store/atomicFile.ts';
import { worldQuestionsPerLevel } from '../../node/store/taskFile.ts';
import { act, printJson, type CommonOptions } from '../action.ts';
import { wholeNumber } from './run.ts';

interface WorldOptions extends CommonOptions {
  readonly seed: number;
  readonly out?: string;
  readonly questions: number;
}

export function addWorld(program: Command): void {
  program
    .command('world')
    .requiredOption('--seed <n>', 'seed of the world', wholeNumber)
    .option('--out <folder>', 'where to write; world-<seed> when left out')
    .option('--questions <n>', 'questions a level', wholeNumber, worldQuestionsPerLevel)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nWrites documents.jsonl, questions.jsonl and a task card that uses them.')
    .action((options: WorldOptions) =>
      act(options, () => {
        const { seed } = options;
        const out = resolve(options.out ?? `world-${seed}`);
        const world = generateWorld({ seed });
        const questions = generateQuestions(world, { seed, perLevel: options.questions });
        // Two more questions serve as the card's examples; they are kept out of the evaluation set.
        const examples = generateQuestions(world, { seed: seed + 1, perLevel: 2, exclude: questions })
          .filter((_, i) => i % 2 === 0)
          .slice(0, 2);
        writeFileAtomic(
          join(out, 'documents.jsonl'),
          jsonLines(world.pages.map(({ title, paragraphs }) => ({ title, paragraphs }))),
        );
        writeFileAtomic(
          join(out, 'questions.jsonl'),
          jsonLines(
            questions.map(({ id, question, answer, level, type, supporting }) => ({
              id,
              question,
              answer,
              level,
              type,
              supporting,
            })),
          ),
        );
        const card = join(out, `world-${seed}.task.json`);
        writeFileAtomic(
          card,
          `${JSON.stringify(
            {
              name: `World ${seed}`,
              description: 'You answer questions about an encyclopedia of an invented world.',
              examples: examples.map(({ question, answer }) => ({ question, answer })),
              metric: 'f1',
              levels: ['easy', 'medium', 'hard'],
              documents: 'documents.jsonl',
              questions: 'questions.jsonl',
            },
            null,
            2,
          )}\n`,
        );
        if (options.json === true)
          printJson({ folder: out, pages: world.pages.length, questions: questions.length, card });
        else
          process.stdout.write(
            `${world.pages.length} pages and ${questions.length} questions in ${out}\nRun it with: autoact run --task ${card}\n`,
          );
        return Promise.resolve(undefined);
      }),
    );
}
