/**
 * The client over HTTP in real time, against the physical limit of the same run and against fixed numbers of
 * trajectories (evals-traces-speed 2.6): the whole path with the full log written, the server in a process of its own.
 * `client` has the same in virtual time on every preset. Peers that are installed in `.cache/peers` (see
 * `bench/peers/README.md`) run the same plan; one that is not is skipped with a line that says so.
 */
import { cpus, loadavg } from 'node:os';
import { runPeers } from './peers/runPeers.ts';
import { presets, type Preset } from './sim/presets.ts';
import { realRun, type RealResult } from './sim/realRun.ts';
import { chains, physicalLimit } from './sim/workload.ts';

/** `tuned`: a peer's time at its best setting over ours may not fall below this. */
const goals = { cpuMsPerCall: 1.5, efficiency: 0.85, tuned: 0.95 };
const json = process.argv.includes('--json');
/** The efficiency is measured with so many trajectories, comparisons with fewer: some peers take minutes for these. */
const most = Number(process.env['AUTOACT_BENCH_MOST'] ?? 1000);
const count = Number(process.env['AUTOACT_BENCH_CHAINS'] ?? 120);
const name = 'kv-480k';
const preset = presets[name] as Preset;
const plan = chains(count, 1);
const calls = plan.reduce((sum, p) => sum + p.calls.length, 0);
const bound = physicalLimit(plan, preset.engine);
/** Steps that came so late say that the machine was too busy to play the server, and figures of time are void. */
const latestMs = 250;
const log = (text: string): void => {
  if (!json) console.log(text);
};
const rows: Record<string, unknown>[] = [];

function row(what: string, r: RealResult, against?: RealResult, limit = bound): void {
  const busy = r.report.latest > latestMs;
  rows.push({ what, ...r, efficiency: limit / r.ms, void: busy });
  log(
    `${what.padEnd(34)} ${(r.ms / 1000).toFixed(1).padStart(6)} s  E ${(limit / r.ms).toFixed(2)}  ${r.cpuMsPerCall.toFixed(2)} ms of CPU a call` +
      (against === undefined ? '' : `  ${(r.ms / against.ms).toFixed(2)} x ours`) +
      (busy ? `  (void: the server was up to ${Math.round(r.report.latest)} ms late)` : ''),
  );
}

await realRun(chains(20, 2), { preset: name }); // Code that has just been loaded is slower.
const many = chains(most, 1);
const manyBound = physicalLimit(many, preset.engine);
log(`W2, ${most} chains, ${preset.title}: bound ${(manyBound / 1000).toFixed(1)} s`);
const full = await realRun(many, { preset: name });
row('ours, no setting touched', full, undefined, manyBound);
log(`W2, ${count} chains, ${calls} calls: bound ${(bound / 1000).toFixed(1)} s`);
const ours = await realRun(plan, { preset: name });
row('ours, no setting touched', ours);
for (const n of [8, 64]) {
  const fixed = await realRun(plan, { preset: name }, { concurrency: 512 }, n);
  if (fixed.digest !== ours.digest) throw new Error('the answers differ, so there is no figure');
  row(`ours, held to ${n} trajectories`, fixed, ours);
}
const faulty = await realRun(
  plan,
  {
    preset: name,
    faults: { unavailable: 0.02, hang: 0.01, torn: 0.005, outage: { from: 4000, until: 9000 } },
  },
  { timeoutSeconds: 5 },
);
row('W4: with faults and an outage', faulty, ours);
if (faulty.failed > 0 || faulty.digest !== ours.digest)
  throw new Error(`W4: ${faulty.failed} trajectories were lost or their answers differ`);
const peers = await runPeers(plan, name, log);
for (const { peer, ms, same } of peers) {
  if (!same) throw new Error(`${peer}: the answers differ, so there is no figure`);
  log(`${peer.padEnd(34)} ${(ms / 1000).toFixed(1).padStart(6)} s  ${(ms / ours.ms).toFixed(2)} x ours`);
}
const compared = [...new Set(peers.map(({ name: peer }) => peer))].map((peer) => {
  const own = peers.filter((one) => one.name === peer);
  const atDefault = own.find(({ setting }) => setting === undefined);
  return {
    peer,
    ...(atDefault === undefined ? {} : { default: atDefault.ms / ours.ms }),
    tuned: Math.min(...own.map(({ ms }) => ms)) / ours.ms,
  };
});
for (const { peer, default: atDefault, tuned } of compared)
  log(`${peer.padEnd(34)} S_default ${atDefault?.toFixed(2) ?? '–'}  S_tuned ${tuned.toFixed(2)}`);
const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? ''}, load ${loadavg()[0]?.toFixed(1) ?? ''}`;
if (json) console.log(JSON.stringify({ name: 'clientHttp', goals, bound, calls, rows, peers, compared, machine }));
else log(`  on ${machine}`);
const late = full.report.latest > latestMs;
const missed = [
  ...(full.cpuMsPerCall > goals.cpuMsPerCall ? [`more than ${goals.cpuMsPerCall} ms of CPU a call`] : []),
  ...(!late && manyBound / full.ms < goals.efficiency ? [`E below ${goals.efficiency}`] : []),
  ...compared.filter(({ tuned }) => tuned < goals.tuned).map(({ peer }) => `slower than ${peer} at its best`),
];
for (const what of missed) log(`missed: ${what}`);
if (missed.length > 0) process.exitCode = 1;
