// Runs the plan with promptfoo: one test a trajectory, its calls made by a custom provider, as promptfoo has users do it.
// node promptfoo.mjs MAIN PLAN URL OUT CONCURRENCY
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [main, planFile, baseURL, out, concurrency] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planFile, 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'autoact-promptfoo-'));
writeFileSync(
  join(folder, 'provider.mjs'),
  `import { readFileSync, appendFileSync } from 'node:fs';
const plan = new Map(JSON.parse(readFileSync(${JSON.stringify(planFile)}, 'utf8')).map((p) => [p.id, p]));
let began;
export default class {
  id() { return 'chains'; }
  async callApi(prompt, context) {
    began ??= performance.now();
    const { id, head, calls } = plan.get(context.vars.id);
    let text = head;
    for (const c of calls) {
      text += c.add;
      const response = await fetch(${JSON.stringify(`${baseURL}/completions`)}, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: c.model, prompt: text, max_tokens: c.tokens, seed: c.seed, temperature: 0 }),
      });
      text += (await response.json()).choices[0].text;
      if (c.tool) { await new Promise((go) => setTimeout(go, c.tool.ms)); text += c.tool.text; }
    }
    appendFileSync(${JSON.stringify(join(folder, 'done.jsonl'))}, JSON.stringify({ id, text, ms: performance.now() - began }) + '\\n');
    return { output: id };
  }
}
`,
);
writeFileSync(
  join(folder, 'config.json'),
  JSON.stringify({
    prompts: ['{{id}}'],
    providers: [`file://${join(folder, 'provider.mjs')}`],
    tests: plan.map(({ id }) => ({ vars: { id } })),
  }),
);
const args = ['eval', '-c', join(folder, 'config.json'), '--no-cache', '--no-progress-bar', '--no-table', '--no-write'];
const { status, stderr } = spawnSync(
  process.execPath,
  [main, ...args, ...(concurrency === '' ? [] : ['-j', concurrency])],
  {
    cwd: folder,
    env: {
      ...process.env,
      PROMPTFOO_CONFIG_DIR: folder,
      PROMPTFOO_DISABLE_TELEMETRY: '1',
      PROMPTFOO_DISABLE_UPDATE: '1',
    },
    encoding: 'utf8',
  },
);
if (status !== 0) throw new Error(`promptfoo ended with ${status}: ${stderr.slice(-2000)}`);
const done = readFileSync(join(folder, 'done.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
writeFileSync(
  out,
  JSON.stringify({
    ms: Math.max(...done.map((d) => d.ms)),
    texts: Object.fromEntries(done.map((d) => [d.id, d.text])),
  }),
);
