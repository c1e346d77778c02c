import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonJson } from '../../../src/core/data/publishedTrajectory.ts';
import type { DapClient } from '../../doubles/dapClient.ts';

/** A trajectory of our own in the published form: four steps with a tool that fails, a repeated search, an answer. */
export function writePublished(workspace = mkdtempSync(join(tmpdir(), 'autoact-dap-'))): {
  workspace: string;
  file: string;
} {
  const file = join(workspace, 'plans.jsonl');
  const steps = [
    ['I look for the harbour.', 'Search[harbour of Orvale]', 'Sarn is the harbour town of Orvale.'],
    ['I read about Sarn.', 'Retrieve[Sarn]', 'Could not find that page, please try again.'],
    ['I look again.', 'Search[harbour of Orvale]', 'Sarn is the harbour town of Orvale.'],
    ['That is the answer.', 'Finish[Sarn]', 'Please reflect your answer and make sure your answer is correct.'],
    ['It was told twice.', 'Reflect[right]', 'Answer is CORRECT'],
  ];
  const question = 'Which town is the harbour of Orvale?';
  const prompt = `You plan.\nQuestion: ${question}\n${steps.map(([thought, action, observation]) => `\nThought: ${thought}\nAction: ${action}\nObservation: ${observation}`).join('')}`;
  const row = { question, answer: 'Sarn', correct: true, reward: 1, halted: false, error: false, prompt };
  writeFileSync(file, `${pythonJson(row)}\n`);
  return { workspace, file };
}

/** Everything that the protocol is used for, on one trajectory: what a golden log is made of. */
export async function fullTour(
  client: DapClient,
  { workspace, file }: { workspace: string; file: string },
): Promise<void> {
  await client.launch({ workspace, file, line: 1, mode: 'replay' }, async () => {
    await client.request('setFunctionBreakpoints', {
      breakpoints: [{ name: 'Retrieve' }, { name: 'Search', condition: 'step >' }],
    });
    await client.request('setExceptionBreakpoints', {
      filters: [],
      filterOptions: [{ filterId: 'toolError' }, { filterId: 'repeated', condition: 'tool == "Search"' }],
    });
  });
  const [{ source } = { source: undefined }] = await client.frames();
  const { content } = await client.request<{ content: string }>('source', {
    source,
    sourceReference: source?.sourceReference,
  });
  const lines = content.split('\n');
  const line = lines.findIndex((text) => text.includes('That is the answer')) + 1;
  await client.request('threads');
  await client.request('setBreakpoints', {
    source,
    breakpoints: [
      { line, condition: 'step >= 4 && contains(thought, "answer")' },
      { line: 6, logMessage: 'step {step}: {thought}' },
      { line: 900 },
    ],
  });
  await client.move('next');
  await client.move('next');
  await client.move('stepIn');
  await client.move('stepIn');
  await client.move('stepOut');
  await client.move('stepOut');
  await client.move('continue'); // the function breakpoint on Retrieve
  await client.move('continue'); // the tool fails
  await client.request('exceptionInfo', { threadId: 1 });
  await client.move('continue'); // the repeated search
  await client.move('continue'); // the line with its condition
  for (const scope of ['Step', 'Prompt', 'Agent', 'History', 'Reward', 'Cost']) await client.variables(scope);
  await client.evaluate('tokens', 'hover');
  await client.evaluate('step == 4', 'watch');
  await client.evaluate('cost');
  await client.ask('evaluate', { expression: 'tool Search[x]', context: 'repl' });
  await client.move('stepBack');
  await client.move('reverseContinue');
  const { targets } = await client.request<{ targets: { id: number }[] }>('gotoTargets', { source, line: 7 });
  await client.request('gotoTargets', { source, line });
  await client.move('goto', { targetId: targets[0]?.id });
  const [frame] = await client.frames();
  await client.ask('restartFrame', { frameId: frame?.id });
  await client.request('setExceptionBreakpoints', { filters: [] });
  await client.request('setFunctionBreakpoints', { breakpoints: [] });
  const edited = client.log.length;
  await client.setVariable('thought', 'I look for a town at the sea.');
  await client.event('invalidated', edited);
  await client.move('continue'); // the breakpoint of the recording, in the fork
  await client.move('stepOut');
  await client.move('continue');
  await client.variables('Reward');
  const from = client.log.length;
  await client.request('continue', { threadId: 1 });
  await client.event('terminated', from);
  await client.request('disconnect');
}
