/** What a shim is told to run: handed over its standard input, since the environment is secret. */
import type { CgroupPlan } from '../sandbox/cgroup.ts'

export interface Launch {
  /** What the job calls its program, wrappers aside. */
  readonly name: string
  readonly command: readonly string[]
  /** The program's whole environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** For its standard input; absent: it is empty. */
  readonly input?: string
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number
  readonly limits: {
    readonly wallMs?: number
    readonly logBytes?: number
    readonly diskBytes?: number
  }
  /** Folders whose sizes together are held against `limits.diskBytes`. */
  readonly disk: readonly string[]
  readonly cgroup: CgroupPlan | null
  /** `inner`: the command is a wrapper, and the program leads the session of its first child. */
  readonly program: 'command' | 'inner'
}

export interface Told {
  readonly folder: string
  readonly launch: Launch
}

/** Null when whoever handed it over died half-way: then nothing must be run. */
export const readTold = async (): Promise<Told | null> => {
  try {
    return (await Bun.stdin.json()) as Told
  } catch {
    return null
  }
}
