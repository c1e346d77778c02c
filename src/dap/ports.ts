import type { LaunchArguments } from '../core/debug/launch.ts';
import type { DebugTarget } from '../core/debug/target.ts';

/** What a session needs of the world: it has no file, no clock and no network of its own. */
export interface SessionPorts {
  /** Opens what a configuration names. @throws an error with a message for the person */
  open(launch: LaunchArguments, signal: AbortSignal): Promise<OpenedTargets>;
  /** SHA-256 in hexadecimal. */
  hash(text: string): string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Lets other work of the process go on in between. */
  breathe(): Promise<void>;
}

export interface OpenedTargets {
  readonly targets: readonly DebugTarget[];
  close(): Promise<void>;
}
