/** Runs group planning over N questions with the product's own runner, log and client; meant to be killed. */
import { createHash } from 'node:crypto';
import { groupPlan } from '../../src/core/methods/groupPlan.ts';
import { runItems } from '../../src/core/run/runner.ts';
import { LogFile } from '../../src/node/store/logFile.ts';
import { builtInLibrary } from '../../src/node/tools/builtIn.ts';
import { Toolbox } from '../../src/node/tools/toolbox.ts';
import { clientAt } from './client.ts';
import { planningInput } from './planning.ts';

const [logPath = '', baseURL = '', count = '0'] = process.argv.slice(2);
const server = clientAt({ name: 'test', baseURL, concurrency: 8 });
const toolbox = new Toolbox(builtInLibrary([{ title: 'Mira Torvel', paragraphs: ['Mira Torvel was born in Arden.'] }]));
const log = LogFile.open(logPath);
await runItems({
  items: Array.from({ length: Number(count) }, (_, i) => {
    const key = `evaluation/autoact/q${i}/0`;
    return { key, start: () => groupPlan({ ...planningInput(), key, question: `Question ${i}?` }) };
  }),
  drivers: { complete: (r, s) => server.complete('base', r, s), call: (r) => toolbox.call(r) },
  log,
  concurrency: 8,
  signal: new AbortController().signal,
  now: () => Date.now(),
  hash: (text) => createHash('sha256').update(text).digest('hex'),
});
log.close();
