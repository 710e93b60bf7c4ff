/** Compares what the server tells with what the programs did, byte for byte. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../scripts/command.ts'
import { waitUntil } from '../../scripts/port.ts'
import { processesOf } from './processes.ts'
import { firstLines, type Program, type Witness, wholeLog } from './program.ts'
import type { World } from './world.ts'

export interface ChaosJob {
  /** Empty until it has been handed in. */
  id: string
  readonly program: Program
  readonly submission: object
  readonly policy: 'hold' | 'retry'
  readonly isCancelled: boolean
}

export interface JobAnswer {
  readonly state: string
  readonly attempt: number
  readonly outcome: { reason: string; message: string | null } | null
}

export interface Repeats {
  /** Attempts beyond the first of each job. */
  readonly attempts: number
  /** Jobs that came to their end more than once: possible under `retry` only. */
  readonly completions: number
}

interface JobAudit {
  readonly findings: readonly string[]
  readonly logBytes: number
}

export const auditJob = async (
  world: World,
  witness: Witness,
  job: ChaosJob,
  answer: JobAnswer,
): Promise<JobAudit> => {
  const findings: string[] = []
  const { id } = job
  const wrong = (what: string) =>
    void findings.push(`${id} (${answer.state} ${answer.outcome?.reason}): ${what}`)
  const whole = wholeLog(job.program)
  if (!mayEndSo(job, answer)) wrong(`ended so: ${answer.outcome?.message}`)
  let logBytes = 0
  for (let attempt = 1; attempt <= answer.attempt; attempt++) {
    const log = await logOf(world, id, attempt)
    logBytes += log.length
    const isLast = attempt === answer.attempt
    if (!whole.subarray(0, log.length).equals(log)) {
      wrong(`attempt ${attempt}: the log differs at byte ${firstDifference(whole, log)}`)
    } else if (isLast && answer.state === 'succeeded' && log.length !== whole.length) {
      wrong(`attempt ${attempt}: ${log.length} of ${whole.length} bytes of the log`)
    } else if (isLast && (job.policy === 'hold' || answer.state === 'succeeded')) {
      const least = firstLines(job.program, witness.linesWritten(id, attempt)).length
      if (log.length < least) wrong(`${log.length} bytes of a log of at least ${least}`)
    }
  }
  if (answer.state === 'succeeded') await auditEvents(world, job, wrong)
  return { findings, logBytes }
}

/** Programs end with 0, unless somebody ended them. */
const mayEndSo = ({ policy, isCancelled }: ChaosJob, { state, outcome }: JobAnswer): boolean => {
  if (state === 'succeeded') return true
  if (state === 'cancelled') return isCancelled
  return policy === 'hold' && outcome?.reason === 'shim_lost'
}

const auditEvents = async (
  world: World,
  { id, program }: ChaosJob,
  wrong: (what: string) => void,
): Promise<void> => {
  const path = `/api/jobs/${id}/events?limit=1000`
  const { events } = await world.ask<{ events: Record<string, unknown>[] }>('GET', path)
  const steps = events.filter(({ type }) => type === 'metric').map(({ step }) => step)
  const wanted = Array.from({ length: program.lines }, (_, i) => i)
  if (JSON.stringify(steps) !== JSON.stringify(wanted)) {
    wrong(`events of ${program.lines} steps are ${JSON.stringify(steps)}`)
  }
}

const logOf = async (world: World, id: string, attempt: number): Promise<Buffer> => {
  const parts: Buffer[] = []
  for (let offset = 0; ;) {
    const path = `/api/jobs/${id}/logs?attempt=${attempt}&offset=${offset}&limit=1000000`
    const reply = await fetch(world.origin + path)
    // An attempt that was never begun has none.
    if (reply.status === 404) return Buffer.concat(parts)
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
    const bytes = Buffer.from(await reply.arrayBuffer())
    if (bytes.length === 0) return Buffer.concat(parts)
    parts.push(bytes)
    offset += bytes.length
  }
}

const firstDifference = (wanted: Buffer, got: Buffer): number => {
  let at = 0
  while (at < got.length && wanted[at] === got[at]) at++
  return at
}

interface NodeAnswer {
  readonly name: string
  readonly state: string
  readonly jobs: readonly string[]
  readonly capacity: { readonly slots: number }
  readonly free: { readonly slots: number }
}

/** What must hold of all jobs together, and of the machine afterwards. */
export const auditWorld = async (
  world: World,
  folder: string,
  witness: Witness,
  jobs: readonly ChaosJob[],
): Promise<{ findings: string[]; repeats: Repeats }> => {
  const findings: string[] = []
  const { total } = await world.ask<{ total: number }>('GET', '/api/jobs?limit=1')
  if (total !== jobs.length) findings.push(`${jobs.length} jobs handed in are ${total} jobs`)
  const repeats = auditTally(witness, jobs, findings)
  for (const node of world.nodes) if (!node.isRunning) findings.push('an agent ended by itself')
  await settled('a process is left', findings, () =>
    processesOf(folder).map(({ pid, kind, attempt }) => `${kind} ${pid} of ${attempt}`),
  )
  await settled('an attempt is left on disk', findings, () => leftFolders(world, folder))
  await settled('a lease is left', findings, async () => {
    const nodes = await world.ask<NodeAnswer[]>('GET', '/api/nodes')
    return nodes
      .filter(({ jobs, capacity, free }) => jobs.length > 0 || free.slots !== capacity.slots)
      .map((node) => JSON.stringify(node))
  })
  for (const { id } of jobs) {
    // Every process of the job had it open and locked, however far it ran away.
    const { exitCode } = await run(['flock', '-n', witness.lock(id), 'true'])
    if (exitCode !== 0) findings.push(`${id}: something of it still runs`)
  }
  return { findings, repeats }
}

const auditTally = (witness: Witness, jobs: readonly ChaosJob[], findings: string[]): Repeats => {
  const tally = Map.groupBy(witness.tally(), ({ job }) => job)
  let attempts = 0
  let completions = 0
  for (const { id, policy } of jobs) {
    const traces = tally.get(id) ?? []
    const begins = traces.filter(({ what }) => what === 'begin').map(({ attempt }) => attempt)
    const ends = traces.filter(({ what }) => what === 'end').length
    const overlaps = traces.filter(({ what }) => what === 'overlap').length
    if (new Set(begins).size < begins.length) findings.push(`${id}: an attempt was begun twice`)
    if (overlaps > 0) findings.push(`${id}: ${overlaps} attempts overlapped another`)
    if (policy === 'hold' && begins.length > 1) findings.push(`${id}: begun ${begins.length} times`)
    if (policy === 'hold' && ends > 1) findings.push(`${id}: ran ${ends} times to completion`)
    attempts += Math.max(0, begins.length - 1)
    if (ends > 1) completions++
  }
  return { attempts, completions }
}

const leftFolders = (world: World, folder: string): string[] =>
  [join(folder, 'data/node'), ...world.nodes.map(({ stateDir }) => stateDir)].flatMap((state) =>
    readdirSync(join(state, 'attempts')).map((name) => join(state, 'attempts', name)),
  )

/** What is still being cleared away has a while to go. */
const settled = async (
  what: string,
  findings: string[],
  left: () => string[] | Promise<string[]>,
): Promise<void> => {
  let last: string[] = []
  try {
    await waitUntil(what, async () => (last = await left()).length === 0, 20_000)
  } catch {
    findings.push(...last.map((one) => `${what}: ${one}`))
  }
}
