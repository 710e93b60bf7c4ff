/** What must hold at every moment of a simulation, and what once all is quiet again. */
import { join } from 'node:path'
import { isTerminal, type JobState } from '../../src/jobs/job.ts'
import type { Database } from '../../src/storage/database.ts'
import { sql } from '../../src/storage/sql.ts'
import { BrokenError } from './broken.ts'
import { outside } from './files.ts'
import type { Host } from './host.ts'
import type { SimServer } from './server.ts'
import type { Truth } from './truth.ts'

interface JobRow {
  readonly id: string
  readonly state: JobState
  readonly desired: string
  readonly attempt: number
  readonly node_id: string | null
  readonly gpus: string | null
  readonly waiting_for: number
  readonly outcome: string | null
  readonly ended_at: number | null
  readonly policy: string
}

interface HistoryRow {
  readonly job_id: string
  readonly attempt: number
  readonly event: string
  readonly actor: string
  readonly to_state: JobState
}

export interface World {
  readonly db: Database
  readonly server: SimServer
  readonly hosts: readonly Host[]
  readonly slots: ReadonlyMap<string, number>
  readonly truth: Truth
  readonly dataDir: string
}

const broken = (what: string): never => {
  throw new BrokenError(what)
}

const isActive = ({ state }: JobRow): boolean =>
  state === 'assigned' || state === 'running' || state === 'lost'

export class Invariants {
  readonly #world: World
  readonly #before = new Map<string, JobRow>()
  /** The node that was let begin each attempt. */
  readonly #starters = new Map<string, string>()
  #seenWrites = -1

  constructor(world: World) {
    this.#world = world
  }

  /** A node was told something. */
  answered(host: string, path: string, status: number): void {
    const attempt = /^\/api\/attempts\/(.+)\/start$/.exec(path)?.[1]
    if (attempt === undefined || status !== 200) return
    const first = this.#starters.get(attempt) ?? host
    if (first !== host) this.#world.truth.troubles.push(`${attempt}: ${first} and ${host} began it`)
    this.#starters.set(attempt, host)
  }

  jobs(): Promise<JobRow[]> {
    return this.#world.db
      .rows<JobRow>(sql`select id, state, desired, attempt, node_id, gpus, waiting_for,
      outcome, ended_at, policy from jobs_job order by seq`)
  }

  /** @throws BrokenError */
  async always(): Promise<void> {
    const { server, truth } = this.#world
    const trouble = truth.troubles[0] ?? server.troubles[0]
    if (trouble !== undefined) broken(trouble)
    if (server.writes === this.#seenWrites) return
    this.#seenWrites = server.writes
    const jobs = await this.jobs()
    for (const job of jobs) {
      const before = this.#before.get(job.id)
      if (before) this.#moved(before, job)
      this.#before.set(job.id, job)
    }
    this.#places(jobs)
  }

  #moved(before: JobRow, job: JobRow): void {
    if (job.attempt < before.attempt) broken(`${job.id}: attempt ${before.attempt} came again`)
    if (!isTerminal(before.state)) return
    const same = (['state', 'attempt', 'outcome', 'ended_at'] as const).every(
      (key) => before[key] === job[key],
    )
    if (!same) broken(`${job.id}: ${before.state} became ${job.state}`)
  }

  /** No node has more than it has room for, and no GPU two attempts. */
  #places(jobs: readonly JobRow[]): void {
    const counts = new Map<string, number>()
    const leased = new Set<string>()
    for (const job of jobs.filter(isActive)) {
      const node = job.node_id as string
      counts.set(node, (counts.get(node) ?? 0) + 1)
      for (const gpu of JSON.parse(job.gpus ?? '[]') as string[]) {
        if (leased.has(gpu)) broken(`${gpu} is leased twice`)
        leased.add(gpu)
      }
    }
    for (const [node, count] of counts) {
      const slots = this.#world.slots.get(node) ?? 0
      if (count > slots) broken(`${node} has ${count} attempts in ${slots} slots`)
    }
  }

  /** Why it is not over yet, or null. */
  async unrest(): Promise<string | null> {
    const { hosts, server } = this.#world
    const jobs = await this.jobs()
    const isPausing = jobs.some(({ state }) => state === 'paused')
    const open = jobs.find(
      ({ state, waiting_for }) =>
        !isTerminal(state) && state !== 'paused' && !(waiting_for > 0 && isPausing),
    )
    if (open) return `job ${open.id} is ${open.state}, desired ${open.desired}`
    for (const { name, attemptsOnDisk, programs } of hosts) {
      if (attemptsOnDisk.length > 0) return `${name} still keeps ${attemptsOnDisk[0]}`
      if (programs > 0) return `${name} still runs a program`
    }
    for (const node of this.#world.slots.keys()) {
      const session = server.engine.sessions.get(node)
      if (session && session.active.size > 0) return `a place of ${node} was not given back`
    }
    return null
  }

  /** @throws BrokenError */
  async atTheEnd(): Promise<void> {
    const { db, truth } = this.#world
    const history = await db.rows<HistoryRow>(
      sql`select job_id, attempt, event, actor, to_state from jobs_history order by at`,
    )
    for (const job of await this.jobs()) {
      const own = history.filter(({ job_id }) => job_id === job.id)
      if (job.gpus !== null) broken(`${job.id}: its GPUs were not given back`)
      this.#ranAsPromised(job, own)
      for (let attempt = 1; attempt <= job.attempt; attempt++) this.#log(job, attempt, own)
    }
    const unknown = truth.performances.find(({ job }) => !this.#before.has(job))
    if (unknown) broken(`${unknown.job} ran, and the server knows nothing of it`)
  }

  #ranAsPromised(job: JobRow, history: readonly HistoryRow[]): void {
    const { truth } = this.#world
    const policy = JSON.parse(job.policy) as { on_disconnect: string }
    const completions = truth.completions(job.id)
    const runs = truth.performances.filter((one) => one.job === job.id)
    const resumes = history.filter(({ event }) => event === 'resume').length
    if (policy.on_disconnect === 'hold') {
      if (completions.length > 1) broken(`${job.id}: completed ${completions.length} times`)
      if (runs.length > 1 + resumes) broken(`${job.id}: ran ${runs.length} times`)
    }
    const last = truth.of(job.id, job.attempt)
    if (job.state === 'succeeded' && last[0]?.outcome?.exitCode !== 0) {
      broken(`${job.id}: succeeded, but its program did not`)
    }
    for (let attempt = 1; attempt <= job.attempt; attempt++) {
      const count = truth.of(job.id, attempt).length
      if (count > 1) broken(`${job.id}: attempt ${attempt} ran ${count} times`)
    }
  }

  /** What a node finished is here to the last byte; of everything else nothing is made up. */
  #log(job: JobRow, attempt: number, history: readonly HistoryRow[]): void {
    const path = join(this.#world.dataDir, 'jobs', job.id, String(attempt), 'log')
    const kept = outside.existsSync(path) ? outside.readFileSync(path, 'utf8') : ''
    const written = this.#world.truth.of(job.id, attempt)[0]?.log ?? ''
    if (!written.startsWith(kept)) broken(`${job.id}: the log of attempt ${attempt} is not its own`)
    const isFinished = history.some(
      (one) => one.attempt === attempt && one.event === 'finish' && one.actor.startsWith('node:'),
    )
    if (isFinished && kept !== written) {
      broken(`${job.id}: ${kept.length} of ${written.length} bytes of its log are here`)
    }
  }
}
