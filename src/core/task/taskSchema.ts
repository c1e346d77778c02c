import * as z from 'zod';
import { Settings } from '../pipeline/settings.ts';
import { TaskCard } from './taskCard.ts';

type Node = Record<string, unknown>;

/** zod bounds every integer by what a double holds; a person who reads the help needs no such bound. */
export function withoutObviousBounds(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutObviousBounds);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key, value]) => !(key === 'maximum' && value === Number.MAX_SAFE_INTEGER))
      .map(([key, value]) => [key, withoutObviousBounds(value)]),
  );
}

/** The JSON schema of `*.task.json`: completion, help and validation in an editor come from it. */
export function taskSchema(): unknown {
  // `input`: fields with a default may be left out of a card.
  const card = z.toJSONSchema(TaskCard, { io: 'input', target: 'draft-7' }) as Node;
  const settings = z.toJSONSchema(Settings, { io: 'input', target: 'draft-7' }) as Node;
  delete settings['$schema'];
  const properties = card['properties'] as Record<string, Node>;
  properties['settings'] = { ...settings, description: properties['settings']?.['description'] };
  properties['metric'] = {
    ...properties['metric'],
    enumDescriptions: [
      'Words that answer and gold share (token F1).',
      'Right or wrong after normalisation.',
      'The letter of a multiple-choice option.',
    ],
  };
  const example = { question: '${1:Which …?}', answer: '${2:…}' };
  return withoutObviousBounds({
    ...card,
    title: 'AutoAct task card',
    description: 'What an agent is grown from: a description and a few examples.',
    defaultSnippets: [
      {
        label: 'Task card',
        description: 'Name, description, two examples, metric',
        body: { name: '$1', description: '$2', examples: [example, example], metric: 'f1' },
      },
    ],
  });
}
