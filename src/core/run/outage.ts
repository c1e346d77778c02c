import type { RunStatus, ServerStatus } from './status.ts';

/** A run that waits for servers that do not answer, as every view says it. */
export interface Outage {
  /** The servers, each once whatever number of names it is asked by: its name, or else its address. */
  readonly servers: readonly string[];
  /** ISO 8601: since when the first of them has been silent. */
  readonly since: string;
  readonly message: string;
  readonly remedy: string;
}

/** Undefined while the run waits for no server. The text stays the same as long as the outage lasts. */
export function outageOf(status: RunStatus): Outage | undefined {
  if (status.state !== 'running') return undefined; // A process that is gone left its last word behind.
  const waiting = (status.servers ?? []).filter(({ state }) => state === 'waiting');
  if (waiting.length === 0) return undefined;
  const silent = [...byProgram(waiting)].map(([place, names]) => describe(status, place, names));
  const since = waiting.map((server) => server.since ?? status.updatedAt).sort()[0] ?? status.updatedAt;
  const until = waiting.flatMap((server) => server.until ?? []).sort()[0];
  const several = silent.length > 1;
  const named = silent.map(({ title }) => title).join(', ');
  const patience = until === undefined ? '' : ` It waits until ${timeOf(until)} at the latest.`;
  return {
    servers: silent.map(({ name }) => name),
    since,
    message: `${several ? 'Servers' : 'Server'} ${named} ${several ? 'have' : 'has'} not answered since ${timeOf(since)}; the run waits.`,
    remedy: `Start ${several ? 'them' : 'it'}, and the run goes on by itself; Doctor says what is wrong.${patience} Stopped or given up, it can be resumed: every answer is kept.`,
  };
}

/** The editor gives each role a server of its own, and people one program to several roles. */
function byProgram(waiting: readonly ServerStatus[]): Map<string, string[]> {
  const programs = new Map<string, string[]>();
  for (const { server, address } of waiting) {
    const place = address ?? `name ${server}`;
    programs.set(place, [...(programs.get(place) ?? []), server]);
  }
  return programs;
}

function describe(status: RunStatus, place: string, names: readonly string[]): { name: string; title: string } {
  const roles = [...new Set(status.roles.filter(({ server }) => names.includes(server)).map(({ role }) => role))];
  const [first = ''] = names;
  const isOne = names.length === 1;
  const name = isOne ? first : place;
  const serves = roles.length === 0 || (isOne && roles.length === 1) ? '' : ` (${roles.join(', ')})`;
  return { name, title: `${isOne ? `"${name}"` : name}${serves}` };
}

function timeOf(iso: string): string {
  return new Date(iso).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}
