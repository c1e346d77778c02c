import type { Role } from '../run/request.ts';
import type { SystemId } from '../pipeline/settings.ts';

/** A compared system as a configuration of group planning: which adapter answers for which role, and what is trained. */
export interface System {
  readonly id: SystemId;
  readonly title: string;
  /** Adapter of each role by name; left out, the base model answers for all. */
  readonly adapters?: Readonly<Record<'plan' | 'tool' | 'reflect', string>>;
  readonly reflects: boolean;
}

/** Names of trained adapters and where their data come from. */
export const adapterSets = {
  division: { plan: 'plan', tool: 'tool', reflect: 'reflect' },
  one: { plan: 'one', tool: 'one', reflect: 'one' },
  unfiltered: { plan: 'plan-unfiltered', tool: 'tool-unfiltered', reflect: 'reflect-unfiltered' },
} as const;

/** AutoAct, its base and the rows of the paper's Table 2 in kind (methods 4.5). */
export const systemTable: Readonly<Record<SystemId, System>> = {
  'zero-shot': { id: 'zero-shot', title: 'zero-shot (base model in all roles)', reflects: true },
  autoact: { id: 'autoact', title: 'AutoAct', adapters: adapterSets.division, reflects: true },
  'no-reflection': {
    id: 'no-reflection',
    title: 'without reflection',
    adapters: adapterSets.division,
    reflects: false,
  },
  'no-division': { id: 'no-division', title: 'without division of labour', adapters: adapterSets.one, reflects: true },
  'no-filtering': { id: 'no-filtering', title: 'without filtering', adapters: adapterSets.unfiltered, reflects: true },
};

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
