/** Which frameworks some node can run: found out by jobs that install and import them there. */
import {
  type Clock,
  type Database,
  HearthError,
  type JobView,
  type Jobs,
  type Queries,
  type Runner,
  sql,
  Type as t,
  type Who,
} from '../../../src/sdk.ts'
import type { Scenario } from '../environment.ts'
import { type Framework, frameworks, needsOf } from '../frameworks.ts'

export const probeKind = 'scenarios.probe'

export interface Availability {
  readonly name: Framework
  readonly available: boolean
  readonly version: string | null
  /** Why it is not to be had, and what to do about it; null: it is. */
  readonly reason: string | null
}

interface Row {
  readonly n: number
  readonly framework: Framework
  readonly job_id: string | null
  readonly state: 'running' | 'succeeded' | 'failed'
  readonly node: string | null
  readonly version: string | null
  readonly reason: string | null
}

export interface ProbesOptions {
  readonly db: Database
  readonly jobs: Jobs
  readonly clock: Clock
  readonly ownerOf: (id: number) => Promise<Who>
}

/** What a probe leaves in its work folder: `{"version"}`. */
const leftPath = 'framework.json'

const probeSpec = t.Object(
  {
    framework: t.Union(frameworks.map((name) => t.Literal(name))),
    node: t.Optional(t.String({ minLength: 1, maxLength: 200 })),
  },
  { additionalProperties: false },
)

export const probeRunner: Runner = {
  spec: probeSpec,
  plan(given) {
    const { framework, node } = given as { framework: Framework; node?: string }
    const needs = needsOf[framework]
    if (needs.kind !== 'python') throw nothingToProbe(framework)
    return {
      command: ['python', '-m', needs.module, '--probe', leftPath],
      python: { requirements: [...needs.requirements] },
      outputs: [leftPath],
      ...(node !== undefined && { needs: { labels: [node] } }),
    }
  },
}

export class Probes {
  readonly #options: ProbesOptions

  constructor(options: ProbesOptions) {
    this.#options = options
  }

  async list(): Promise<readonly Availability[]> {
    return Promise.all(frameworks.map((name) => this.#look(name)))
  }

  /** Of those that some node can run, the ones that can play the scenario. */
  async playing(scenario: Scenario): Promise<readonly Framework[]> {
    const all = (await this.list()).filter(({ available }) => available).map(({ name }) => name)
    return all.filter((name) => cannotPlay(name, scenario) === null)
  }

  /** @throws HearthError `conflict` with the reason, and what to do about it */
  async mustPlay(framework: Framework, scenario: Scenario): Promise<void> {
    const why = cannotPlay(framework, scenario) ?? (await this.#look(framework)).reason
    if (why !== null) throw new HearthError('conflict', why)
  }

  /** Begins to find out, unless that is being done. Answers the job. */
  async begin(who: Who, framework: Framework, node: string | undefined): Promise<string> {
    const { db, jobs, clock } = this.#options
    if (needsOf[framework].kind !== 'python') throw nothingToProbe(framework)
    const [running] = await rowsWhere(db, sql`framework = ${framework} and state = 'running'`)
    if (running) return running.job_id ?? ''
    const key = `probe ${framework} ${crypto.randomUUID()}`
    // Before the job: it may end at once.
    await db.run(sql`insert into scenarios_probe (key, framework, state, at)
      values (${key}, ${framework}, 'running', ${clock.now()})`)
    try {
      const spec = { framework, ...(node !== undefined && { node }) }
      const { id } = await jobs.submit(who, { kind: probeKind, spec, name: key })
      await db.run(sql`update scenarios_probe set job_id = ${id} where key = ${key}`)
      return id
    } catch (error) {
      await db.run(sql`delete from scenarios_probe where key = ${key}`)
      throw error
    }
  }

  async finished(job: JobView): Promise<void> {
    const { db, clock } = this.#options
    const version = job.state === 'succeeded' ? await this.#versionLeftBy(job) : null
    const reason = version === null ? reasonOf(job) : null
    await db.run(sql`update scenarios_probe
      set state = ${version === null ? 'failed' : 'succeeded'}, node = ${job.node},
          version = ${version}, reason = ${reason}, at = ${clock.now()}
      where key = ${job.name}`)
  }

  async #look(name: Framework): Promise<Availability> {
    const needs = needsOf[name]
    if (needs.kind === 'built-in') {
      return { name, available: true, version: needs.version, reason: null }
    }
    const rows = await rowsWhere(this.#options.db, sql`framework = ${name}`)
    const ended = rows.filter(({ state }) => state !== 'running')
    // A later try on the same node is the one that counts.
    const byNode = new Map(ended.map((row) => [row.node, row]))
    const good = [...byNode.values()].filter(({ state }) => state === 'succeeded')
    const online = good.length > 0 ? await this.#online() : new Set<string>()
    const here = good.find(({ node }) => online.has(node ?? ''))
    if (here) return { name, available: true, version: here.version, reason: null }
    return { name, available: false, version: null, reason: whyNot(name, rows, good) }
  }

  async #online(): Promise<ReadonlySet<string>> {
    const nodes = await this.#options.jobs.nodes()
    return new Set(nodes.filter(({ state }) => state === 'online').map(({ name }) => name))
  }

  async #versionLeftBy({ id, owner }: JobView): Promise<string | null> {
    const { jobs, ownerOf } = this.#options
    const left = await jobs.bytes.artifact(await ownerOf(owner), id, leftPath)
    const { version } = (await new Response(left).json()) as { version?: unknown }
    return typeof version === 'string' ? version : null
  }
}

const whyNot = (name: Framework, rows: readonly Row[], good: readonly Row[]): string => {
  const what = `POST /api/frameworks/${name}/probe`
  const last = rows.at(-1)
  if (good.length > 0) {
    const nodes = good.map(({ node }) => node).join(', ')
    return `${name} is installed on ${nodes} only, and nothing of that is online: ${what}`
  }
  if (last?.state === 'running') return `${name} is being tried by job ${last.job_id}`
  if (last) return `${name} could not be installed: ${last.reason}. To try again: ${what}`
  return `${name} needs packages of Python that no node has been seen to have: ${what}`
}

const cannotPlay = (framework: Framework, { spec, conversation }: Scenario): string | null =>
  framework === 'Native' || conversation
    ? null
    : `Nothing is said in ${spec.id}: agents of ${framework} have no tools there, take Native`

const nothingToProbe = (framework: Framework): HearthError =>
  new HearthError('conflict', `${framework} is part of every node: there is nothing to probe`)

const reasonOf = ({ error, outcome, state }: JobView): string =>
  error?.message ?? outcome?.message ?? `its job is ${state}`

const rowsWhere = (q: Queries, condition: ReturnType<typeof sql>): Promise<Row[]> =>
  q.rows<Row>(sql`select * from scenarios_probe where ${condition} order by n`)
