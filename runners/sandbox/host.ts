/** What this host can hold a program to, proven by running small programs, once per agent. */
import type { Controller, Hierarchy } from './cgroup-host.ts'

export interface BubblewrapHost {
  readonly path: string
  /** The user programs run as, given up root for it; null: the user we are. */
  readonly owner: number | null
  readonly setpriv: string | null
}

export interface Host {
  readonly hierarchies: readonly Hierarchy[]
  /** The limits that were seen to hold. */
  readonly limits: readonly Controller[]
  readonly bubblewrap: BubblewrapHost | null
  /** Why a level is not to be had. */
  readonly missing: Readonly<Partial<Record<'none' | 'cgroup' | 'bwrap', string>>>
}
