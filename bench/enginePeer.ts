import { getLlama, type Token } from 'node-llama-cpp';

/**
 * The peer of the engine benchmark, in a process of its own: node-llama-cpp's public batch API, several
 * LlamaContextSequence of one context evaluated concurrently. Prints for each batch size [decode tokens a second, processor microseconds a token].
 */
interface Job {
  readonly model: string;
  readonly batches: readonly number[];
  readonly tokens: number;
  readonly prompt: number;
  readonly contextSize: number;
  readonly threads: number;
  readonly flashAttention: boolean | 'auto';
}

const job = JSON.parse(process.argv[2] ?? '') as Job;
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: job.threads });
const model = await llama.loadModel({ modelPath: job.model });
const rates: Record<string, readonly [number, number]> = {};
for (const batch of job.batches) {
  const context = await model.createContext({
    contextSize: job.contextSize,
    sequences: batch,
    batchSize: 512,
    threads: job.threads,
    flashAttention: job.flashAttention,
  });
  const sequences = Array.from({ length: batch }, () => context.getSequence());
  const prompts = sequences.map((_, i) =>
    Array.from({ length: job.prompt }, (_, j) => (5 + ((i * 7919 + j * 104729) % 250)) as Token),
  );
  await Promise.all(
    sequences.map((sequence, i) => sequence.evaluateWithoutGeneratingNewTokens((prompts[i] ?? []).slice(0, -1))),
  );
  const before = process.cpuUsage();
  const started = performance.now();
  await Promise.all(
    sequences.map(async (sequence, i) => {
      let count = 0;
      const options = { temperature: 0.5, topK: 40, topP: 0.75, minP: 0, seed: i, yieldEogToken: true };
      for await (const _ of sequence.evaluate((prompts[i] ?? []).slice(-1), options)) if (++count >= job.tokens) break;
    }),
  );
  const elapsed = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  const count = batch * job.tokens;
  rates[batch] = [(count * 1000) / elapsed, (user + system) / count];
  await context.dispose();
}
process.stdout.write(`${JSON.stringify(rates)}\n`);
process.exit(0);
