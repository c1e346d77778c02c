import { CompletionServer, plannerReply, type Asked, type Reply } from './completionServer.ts';

/** Plays the Meta-Agent and the planners: writes pairs, picks tools, answers every question with "Arden". */
export function metaReply(asked: Asked): string {
  const { prompt, seed } = asked;
  if (prompt.endsWith('New pairs:'))
    return `\nQuestion: Where was person number ${seed % 1000} of the town born?\nAnswer: Arden\nQuestion: broken ${seed}\n`;
  if (prompt.endsWith('Selected tools:')) return '\n1. Retrieve\n2. Search\n3. Lookup';
  const history = prompt.slice(prompt.lastIndexOf('Question:'));
  if (prompt.endsWith('Action:') && !history.includes('Judge it now'))
    return history.includes('Observation:') ? ' Finish[Arden]' : ' Retrieve[Mira Torvel]';
  if (/Action: \w+\[$/.test(prompt)) return 'Arden]';
  return plannerReply(asked);
}

export function metaServer(reply: (asked: Asked, count: number) => Reply = metaReply): CompletionServer {
  return new CompletionServer(reply);
}
