import type { Role } from '../run/request.ts';
import type { SystemId } from '../pipeline/settings.ts';

/** A compared system as a configuration of group planning: which adapter answers for which role, and what is trained. */
export interface System {
  readonly id: SystemId;
  readonly title: string;
  /** Adapter of each role by name; left out, the base model answers for all. */
  readonly adapters?: Readonly<Record<'plan' | 'tool' | 'reflect', string>>;
  readonly reflects: boolean;
  /** Its row in the paper's Table 2, Llama-2-70B: F1 on HotpotQA and accuracy on ScienceQA, in points. */
  readonly paper: { readonly hotpotqa: number; readonly scienceqa: number };
}

/** Names of trained adapters and where their data come from. */
export const adapterSets = {
  division: { plan: 'plan', tool: 'tool', reflect: 'reflect' },
  one: { plan: 'one', tool: 'one', reflect: 'one' },
  unfiltered: { plan: 'plan-unfiltered', tool: 'tool-unfiltered', reflect: 'reflect-unfiltered' },
} as const;

/** AutoAct, its base and the rows of the paper's Table 2 in kind (methods 4.5). */
export const systemTable: Readonly<Record<SystemId, System>> = {
  'zero-shot': {
    id: 'zero-shot',
    title: 'zero-shot (base model in all roles)',
    reflects: true,
    paper: { hotpotqa: 32.84, scienceqa: 61.94 },
  },
  autoact: {
    id: 'autoact',
    title: 'AutoAct',
    adapters: adapterSets.division,
    reflects: true,
    paper: { hotpotqa: 48.47, scienceqa: 78.61 },
  },
  'no-reflection': {
    id: 'no-reflection',
    title: 'without reflection',
    adapters: adapterSets.division,
    reflects: false,
    paper: { hotpotqa: 45.66, scienceqa: 75.28 },
  },
  'no-division': {
    id: 'no-division',
    title: 'without division of labour',
    adapters: adapterSets.one,
    reflects: true,
    paper: { hotpotqa: 42.81, scienceqa: 69.72 },
  },
  'no-filtering': {
    id: 'no-filtering',
    title: 'without filtering',
    adapters: adapterSets.unfiltered,
    reflects: true,
    paper: { hotpotqa: 32.51, scienceqa: 59.17 },
  },
};

/** What the paper leads one to expect of a system against AutoAct; undefined for AutoAct itself. */
export function expectedFromPaper(id: SystemId): string | undefined {
  if (id === 'autoact') return undefined;
  const [full, { hotpotqa, scienceqa }] = [systemTable.autoact.paper, systemTable[id].paper];
  const lost = (a: number, b: number): string => `−${(a - b).toFixed(2)}`;
  return `Lower than the full system; with Llama-2-70B the paper has ${lost(full.hotpotqa, hotpotqa)} on HotpotQA (F1) and ${lost(full.scienceqa, scienceqa)} on ScienceQA (accuracy).`;
}

/** Adapters that have to be trained for a choice of systems. */
export function adaptersOf(ids: readonly SystemId[]): string[] {
  const names = new Set<string>();
  for (const id of ids) {
    const { adapters, reflects } = systemTable[id];
    if (adapters === undefined) continue;
    names.add(adapters.plan).add(adapters.tool);
    if (reflects) names.add(adapters.reflect);
  }
  return [...names];
}

/** The adapter that answers a role's request in a system; undefined for the base model. */
export function adapterFor(system: System, role: Role): string | undefined {
  switch (role) {
    case 'plan':
    case 'tool':
    case 'reflect':
      return system.adapters?.[role as 'plan' | 'tool' | 'reflect'];
    default:
      return undefined;
  }
}
