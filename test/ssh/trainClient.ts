// A client that trains on a box, for tests that kill it: `trainClient.ts ORDER.json`. One JSON line for each thing that
// it learns, and at the end one with the adapters.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../../src/core/pipeline/settings.ts';
import type { TrainingRow } from '../../src/core/pipeline/trainingData.ts';
import { Box } from '../../src/node/box/boxes.ts';
import { BoxTrainer } from '../../src/node/box/boxTrainer.ts';
import { openBox } from '../../src/node/box/openBox.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { scoringEngine } from '../doubles/scoringEngine.ts';

export interface TrainOrder {
  readonly box: unknown;
  /** Of the run, on this machine. */
  readonly run: string;
  readonly configFolder: string;
  readonly baseFolder: string;
  readonly sets: Readonly<Record<string, readonly TrainingRow[]>>;
  readonly settings: Settings['training'];
}

const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as TrainOrder;
const box = Box.parse(order.box);
const ports = {
  askSecret: () => Promise.resolve(undefined),
  acceptHostKey: () => Promise.resolve(false),
  secrets: memorySecrets(),
};
const scoring = await scoringEngine();
const trainer = new BoxTrainer({
  ...{ root: join(import.meta.dirname, '..', '..'), engine: scoring.engine, folder: order.run, run: 'run' },
  baseFolder: order.baseFolder,
  boxes: {
    find: () => box,
    open: (one) => Promise.resolve(openBox(one, { ports, configFolder: order.configFolder })),
  },
  notify: (message) => say({ notice: message }),
});
const adapters = await trainer.train(order.sets, order.settings, 1, say, AbortSignal.timeout(400_000));
say({ adapters });
scoring.close();
