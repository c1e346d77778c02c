/**
 * What llama.cpp makes of a GGUF file, for the Python tests to compare with transformers.
 * Arguments: two JSON files. Input: {model, texts, prompts}. Output: {tokens: of each text, BOS first; probabilities: of each
 * prompt's next token, by token id}.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp';

const input = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as {
  model: string;
  texts: string[];
  prompts: string[];
};
const llama = await getLlama({
  gpu: false,
  maxThreads: 1,
  build: 'never',
  skipDownload: true,
  logLevel: LlamaLogLevel.error,
  progressLogs: false,
});
const model = await llama.loadModel({ modelPath: input.model });
const { bos, shouldPrependBosToken } = model.tokens;
const encode = (text: string): Token[] => [
  ...(shouldPrependBosToken && bos !== null ? [bos] : []),
  ...model.tokenize(text),
];
const context = await model.createContext({ contextSize: 1024, threads: 1 });
const sequence = context.getSequence();
const probabilities: Record<string, number>[] = [];
for (const prompt of input.prompts) {
  await sequence.clearHistory();
  const tokens = encode(prompt);
  const last = tokens.pop();
  if (last === undefined) throw new Error('A prompt without tokens.');
  const answers = await sequence.controlledEvaluate([...tokens, [last, { generateNext: { probabilities: true } }]]);
  const next = answers.at(-1)?.next.probabilities;
  if (next === undefined) throw new Error('The engine gave no probabilities.');
  probabilities.push(Object.fromEntries(next));
}
writeFileSync(
  process.argv[3] ?? '',
  JSON.stringify({
    tokens: input.texts.map(encode),
    probabilities,
    eos: model.tokens.eos,
    trained: model.trainContextSize,
  }),
);
process.exit(0);
