import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { answerText } from '../sim/engine.ts';
import { startSim } from '../sim/realRun.ts';
import type { PlannedTrajectory } from '../sim/workload.ts';

const here = import.meta.dirname;
const installed = join(here, '..', '..', '.cache', 'peers');
const longestMs = 900_000;

export interface PeerResult {
  /** With its setting, for people. */
  readonly peer: string;
  readonly name: string;
  /** Trajectories at once; left out, its own default. */
  readonly setting?: string;
  readonly ms: number;
  /** Whether every trajectory ended with the text that it has to end with. */
  readonly same: boolean;
}

interface Peer {
  readonly name: string;
  /** What has to be there for it to run. */
  readonly needs: string;
  /** Its own default first. */
  readonly settings: readonly (string | undefined)[];
  command(plan: string, baseURL: string, out: string, setting: string | undefined): readonly [string, ...string[]];
}

/** A peer of PyPI, each in an environment of its own: they need different versions of the same packages. */
function ofPython(name: string, folder: string, settings: Peer['settings']): Peer {
  const bin = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'];
  const python = join(installed, folder, ...bin);
  return {
    name,
    needs: join(installed, folder, 'installed'),
    settings,
    command: (plan, baseURL, out, setting) => [
      python,
      join(here, `${folder}_peer.py`),
      plan,
      baseURL,
      out,
      setting ?? '',
    ],
  };
}

const promptfoo = join(installed, 'node', 'node_modules', 'promptfoo', 'dist', 'src', 'entrypoint.js');
const peers: readonly Peer[] = [
  {
    name: 'promptfoo',
    needs: promptfoo,
    settings: [undefined, '64', '256'],
    command: (plan, baseURL, out, setting) => [
      process.execPath,
      join(here, 'promptfoo.mjs'),
      promptfoo,
      plan,
      baseURL,
      out,
      setting ?? '',
    ],
  },
  ofPython('Inspect', 'inspect', [undefined, '64', '256']),
  ofPython('DSPy', 'dspy', [undefined, '64', '256']),
];

/**
 * Runs the plan with every peer that is installed, at its default and at higher settings. A peer's driver says itself
 * how long its run took, without its start.
 */
export async function runPeers(
  plan: readonly PlannedTrajectory[],
  preset: string,
  log: (text: string) => void,
): Promise<PeerResult[]> {
  const results: PeerResult[] = [];
  const wanted = expected(plan);
  const folder = mkdtempSync(join(tmpdir(), 'autoact-peers-'));
  const planFile = join(folder, 'plan.json');
  writeFileSync(planFile, JSON.stringify(plan));
  try {
    for (const peer of peers) {
      if (!existsSync(peer.needs)) {
        log(`${peer.name}: not installed, so it is left out (bench/peers/README.md says how)`);
        continue;
      }
      for (const setting of peer.settings) {
        const label = `${peer.name}, ${setting === undefined ? 'its default' : `at ${setting}`}`;
        const sim = await startSim({ preset });
        const out = join(folder, 'out.json');
        rmSync(out, { force: true });
        try {
          const [program, ...args] = peer.command(planFile, sim.baseURL, out, setting);
          await promisify(execFile)(program, args, { cwd: folder, timeout: longestMs, maxBuffer: 2 ** 28 });
          const told = JSON.parse(readFileSync(out, 'utf8')) as { ms: number; texts: Record<string, string> };
          results.push({
            peer: label,
            name: peer.name,
            ...(setting === undefined ? {} : { setting }),
            ms: told.ms,
            same: plan.every(({ id }) => told.texts[id] === wanted.get(id)),
          });
        } catch (error) {
          log(`${label}: failed, ${error instanceof Error ? error.message.slice(0, 400) : String(error)}`);
        } finally {
          sim.stop();
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

/** What every trajectory ends with, reckoned without any driver. */
export function expected(plan: readonly PlannedTrajectory[]): Map<string, string> {
  return new Map(
    plan.map(({ id, head, calls }) => {
      let text = head;
      for (const c of calls) {
        text += c.add;
        text += answerText(text, c.tokens, c.seed);
        text += c.tool?.text ?? '';
      }
      return [id, text];
    }),
  );
}
