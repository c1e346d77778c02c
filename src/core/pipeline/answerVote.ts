import { extractChoice, goldChoice } from '../evaluate/choice.ts';
import { normaliseAnswer } from '../evaluate/normalise.ts';
import { PromptError, renderPrompt } from '../prompts/template.ts';
import { askAll } from '../run/ask.ts';
import { samplingSeed } from '../run/random.ts';
import type { Answer, Request } from '../run/request.ts';
import { questionText } from '../task/question.ts';
import { firstLine } from '../trajectory/parseAction.ts';
import { renderPassages, type Pair, type Round, type SelfInstructInput } from './selfInstruct.ts';

/**
 * Asks the Meta-Agent for the answer to its own question anew, `votes` times, with the passages that the question was
 * written from. The filter later compares with the written answer (methods 4.4, row 8), which is worth more when the
 * model comes to it again.
 * @returns how many of the votes are the written answer
 */
export function* agreeing(
  input: SelfInstructInput,
  round: Round,
  pair: Pair,
): Generator<Request | readonly Request[], { for: number; of: number }, Answer | readonly Answer[]> {
  const { settings, voteTemplate } = input;
  if (voteTemplate === undefined)
    throw new PromptError(
      'malformed-file',
      'There is no prompt "answer-vote". Put answer-vote.md into the prompts folder.',
    );
  const prompt = renderPrompt(voteTemplate, {
    description: input.description,
    passages: renderPassages(round.passages),
    question: questionText({ question: pair.question, choices: pair.options }),
  });
  const answers = yield* askAll(
    Array.from({ length: settings.votes }, (_, k) => ({
      role: 'meta',
      purpose: 'answer vote',
      prompt,
      stop: ['\n'],
      maxTokens: 64,
      sampling: {
        ...settings.sampling,
        seed: samplingSeed(input.seed, `vote/${round.number}/${pair.question}`, String(k)),
      },
    })),
  );
  const same = answers.filter((answer) => agrees(firstLine(answer.text), pair)).length;
  return { for: same, of: answers.length };
}

function agrees(said: string, { answer, options }: Pair): boolean {
  if (options.length > 0) return extractChoice(said, options, 'fixed').index === goldChoice(answer, options);
  return normaliseAnswer(said) === normaliseAnswer(answer);
}
