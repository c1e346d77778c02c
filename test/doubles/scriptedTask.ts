import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A small task whose untrained system is run in seconds, asking a server at this address. @returns its card's path */
export function writeScriptedTask(workspace: string, name: string, baseURL: string): string {
  const page = { title: 'Mira Torvel', paragraphs: ['Mira Torvel was born in Arden. Her brother lives in Velm.'] };
  const questions = ['easy', 'hard'].flatMap((level, k) =>
    [0, 1].map((n) => ({
      id: `q${2 * k + n}`,
      question: `Where does traveller ${2 * k + n} live?`,
      answer: n === 0 ? 'Arden' : 'Velm',
      level,
    })),
  );
  writeFileSync(join(workspace, 'pages.jsonl'), `${JSON.stringify(page)}\n`);
  writeFileSync(join(workspace, 'questions.jsonl'), questions.map((q) => `${JSON.stringify(q)}\n`).join(''));
  const task = join(workspace, `${name}.task.json`);
  const card = {
    name,
    description: 'You answer questions.',
    examples: [{ question: 'Where was Ada born?', answer: 'Arden' }],
    metric: 'f1',
    levels: ['easy', 'hard'],
    documents: 'pages.jsonl',
    questions: 'questions.jsonl',
    settings: {
      servers: { mine: { baseURL } },
      roles: { default: { server: 'mine', model: 'base' } },
      selfInstruct: { instances: 2, perRound: 1, parallelRounds: 1, passages: 0, votes: 0, similarity: 1 },
      synthesis: { maxSteps: 4, reflectionSamples: 0 },
      planning: { maxSteps: 4 },
      evaluation: { systems: ['zero-shot'] },
    },
  };
  writeFileSync(task, JSON.stringify(card, null, 2));
  return task;
}
