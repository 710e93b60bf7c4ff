/** The shim: one small process beside each attempt, that outlives agents and ends what it began. */
import { closeSync, openSync } from 'node:fs'
import type { Outcome } from '../../src/jobs/protocol.ts'
import { attemptFiles } from '../attempt-files.ts'
import { identify } from '../process/proc.ts'
import { becomeSubreaper, type Subreaper } from '../process/subreaper.ts'
import { type Cgroup, makeCgroup } from '../sandbox/cgroup.ts'
import { claim, writeChild, writeOutcome } from './attempt-state.ts'
import { judge } from './judge.ts'
import { type Launch, readTold } from './launch.ts'
import { type LimitWatch, type Verdict, watchLimits } from './limits.ts'
import { type Program, startProgram } from './program.ts'

/** Exit codes of the shim itself, for whoever started it. */
export const shimExit = { done: 0, notTold: 3, claimedByAnother: 4 } as const

/** The signal that says: look now, something was asked. A lost one costs a moment, no more. */
export const wakeSignal = 'SIGUSR2'

const lookEveryMs = 200

/** What a program leaves running when it ends has this long to end as well. */
const leftoverGraceMs = 2000

/** Runs what standard input tells, once ever for the folder, and writes how it ended. */
export const runShim = async (): Promise<number> => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', wakeSignal] as const) {
    process.on(signal, () => undefined)
  }
  const subreaper = becomeSubreaper()
  const told = await readTold()
  if (!told) return shimExit.notTold
  const { folder, launch } = told
  process.chdir(folder)
  if (!claim(folder)) return shimExit.claimedByAnother
  await writeOutcome(folder, await run(folder, launch, subreaper))
  return shimExit.done
}

const run = async (
  folder: string,
  launch: Launch,
  subreaper: Subreaper | null,
): Promise<Outcome> => {
  let cgroup: Cgroup | null = null
  let program: Program
  let limits: LimitWatch
  try {
    // Both are there from the start, whatever the program does.
    for (const path of [attemptFiles(folder).log, attemptFiles(folder).events]) touch(path)
    cgroup = launch.cgroup && makeCgroup(launch.cgroup)
    limits = watchLimits(folder, launch, cgroup)
    const early = limits.look()
    if (early) return endedBefore(early, cgroup)
    program = startProgram(folder, launch, cgroup)
  } catch (error) {
    await cgroup?.remove()
    const message = error instanceof Error ? error.message : String(error)
    return { reason: 'start_failed', exitCode: null, signal: null, message }
  }
  const identity = identify(program.pid)
  if (identity) writeChild(folder, { ...identity, cgroup: launch.cgroup })
  const outcome = await follow(folder, launch, program, limits, subreaper)
  await cgroup?.remove()
  return outcome
}

/** Ended before it began: a pause needs no checkpoint then. */
const endedBefore = async (verdict: Verdict, cgroup: Cgroup | null): Promise<Outcome> => {
  await cgroup?.remove()
  return { ...verdict, exitCode: null, signal: null }
}

const touch = (path: string): void => closeSync(openSync(path, 'a', 0o600))

/** Stays with the program to its end, and until nothing of it is left. */
const follow = async (
  folder: string,
  launch: Launch,
  program: Program,
  limits: LimitWatch,
  subreaper: Subreaper | null,
): Promise<Outcome> => {
  let verdict: Verdict | null = null
  let killAtMs = Number.POSITIVE_INFINITY
  let killer: ReturnType<typeof setTimeout> | undefined
  const look = () => {
    subreaper?.reap(program.pid)
    const found = limits.look()
    if (!found || found.reason === verdict?.reason) return
    // A cancellation may follow a pause; nothing else changes why it was ended first.
    if (verdict && !(verdict.reason === 'paused' && found.reason === 'cancelled')) return
    verdict = found
    program.terminate()
    killAtMs = Math.min(killAtMs, performance.now() + launch.graceMs)
    killer ??= setTimeout(() => void program.kill(), launch.graceMs)
  }
  const timer = setInterval(look, lookEveryMs)
  process.on(wakeSignal, look)
  const ended = await program.exited
  const wallMs = limits.wallMs()
  // Where a shell began the program, the shell ends first, and the grace is the program's still.
  const leftoversUntilMs = Math.min(killAtMs, performance.now() + leftoverGraceMs)
  await program.endLeftovers(verdict ? killAtMs : leftoversUntilMs)
  clearTimeout(killer)
  clearInterval(timer)
  process.off(wakeSignal, look)
  return {
    ...(await judge(folder, ended, verdict ?? limits.lookBack())),
    usage: { wallMs, ...program.usage() },
  }
}
