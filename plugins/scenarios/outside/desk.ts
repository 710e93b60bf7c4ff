/** Takes in scenarios from outside: a job finds out what each is, then it is trained on. */
import {
  type Clock,
  type Database,
  HearthError,
  type JobView,
  type Jobs,
  sql,
  type Who,
} from '../../../src/sdk.ts'
import { Value } from '@sinclair/typebox/value'
import type { OutsideScenarios } from '../catalogue.ts'
import type { Scenario } from '../environment.ts'
import { reasonOf } from '../training/reason.ts'
import { type Definition, Described, maxDefinitionLength, socketOf } from './definition.ts'
import { describedPath } from './describe.ts'
import { type OutsideRow, outsideWhere, scenarioFrom } from './rows.ts'

/** As `plugin id.kind`. */
export const describeKind = 'scenarios.describe'

const maxOfOne = 200
const maxDescribedBytes = 65_536

export interface OutsideDeskOptions {
  readonly db: Database
  readonly jobs: Jobs
  readonly clock: Clock
  readonly ownerOf: (id: number) => Promise<Who>
  /** Whether an id is taken by a scenario of the program, or of a plugin. */
  readonly isTaken: (id: string) => boolean
}

export class OutsideDesk implements OutsideScenarios {
  readonly #options: OutsideDeskOptions

  constructor(options: OutsideDeskOptions) {
    this.#options = options
  }

  /** @throws HearthError `validation`, `conflict` */
  async define(who: Who, definition: Definition, node: string | undefined): Promise<OutsideRow> {
    const { db, jobs, clock, isTaken } = this.#options
    check(definition)
    const { id } = definition
    if (isTaken(id)) throw new HearthError('conflict', `${id} is a scenario of the program`)
    const before = await outsideWhere(db, sql`id = ${id}`)
    const last = before.at(-1)
    if (last && last.status !== 'deleted') {
      const isOwn = last.ownerId === who.id || who.isSuperuser
      if (!isOwn || last.status !== 'failed') throw new HearthError('conflict', `${id} is taken`)
      await this.#forget(last)
    }
    const mine = await outsideWhere(db, sql`owner_id = ${who.id} and status <> 'deleted'`)
    if (mine.length >= maxOfOne) {
      throw new HearthError('conflict', `You have ${maxOfOne} scenarios: delete one first`)
    }
    const version = (last?.version ?? 0) + 1
    const added = await db.run(sql`insert into scenarios_outside
      (id, version, owner_id, status, definition, created_at)
      values (${id}, ${version}, ${who.id}, 'describing', ${JSON.stringify(definition)},
       ${clock.now()})
      on conflict (id, version) do nothing`)
    if (added === 0) throw new HearthError('conflict', `${id} is taken`)
    try {
      const job = await jobs.submit(who, {
        kind: describeKind,
        spec: { definition, ...(node !== undefined && { node }) },
        name: `describe ${id}`,
      })
      await db.run(sql`update scenarios_outside set job_id = ${job.id}
        where id = ${id} and version = ${version}`)
    } catch (error) {
      await db.run(sql`delete from scenarios_outside where id = ${id} and version = ${version}`)
      throw error
    }
    return this.#row(who, id)
  }

  async list(who: Who): Promise<Scenario[]> {
    const seen = who.isSuperuser ? sql`1 = 1` : sql`owner_id = ${who.id}`
    const rows = await outsideWhere(this.#options.db, sql`status = 'ready' and ${seen}`)
    return rows.flatMap((row) => scenarioFrom(row) ?? [])
  }

  /** @throws HearthError `conflict` with why it is not ready */
  async get(who: Who, id: string): Promise<Scenario | null> {
    const row = await this.find(who, id)
    const scenario = row && scenarioFrom(row)
    if (!row || scenario) return scenario
    const why = row.status === 'failed' ? `cannot be had: ${row.error}` : 'is still being described'
    throw new HearthError('conflict', `${id} ${why}`)
  }

  /** Ready or not. Others' are not there for whoever asks, administrators excepted. */
  async find(who: Who, id: string): Promise<OutsideRow | null> {
    const seen = who.isSuperuser ? sql`1 = 1` : sql`owner_id = ${who.id}`
    const condition = sql`id = ${id} and status <> 'deleted' and ${seen}`
    return (await outsideWhere(this.#options.db, condition))[0] ?? null
  }

  /** Trainings on it go on: their jobs have all they need. @throws HearthError `not_found` */
  async remove(who: Who, id: string): Promise<void> {
    if (this.#options.isTaken(id)) {
      throw new HearthError('conflict', `${id} is a scenario of the program: it stays`)
    }
    const row = await this.#row(who, id)
    await this.#forget(row)
    if (row.status !== 'describing' || row.jobId === null) return
    await this.#options.jobs.cancel(who, row.jobId).catch((error: unknown) => {
      // It has ended meanwhile.
      if (!(error instanceof HearthError)) throw error
    })
  }

  async finished(job: JobView): Promise<void> {
    const { db, jobs, ownerOf } = this.#options
    const [row] = await outsideWhere(db, sql`job_id = ${job.id} and status = 'describing'`)
    if (!row) return
    const owner = await ownerOf(row.ownerId)
    const found = await this.#described(owner, job)
    const why = found ? null : await reasonOf(jobs, owner, job)
    await db.run(sql`update scenarios_outside
      set status = ${found ? 'ready' : 'failed'},
          described = ${found ? JSON.stringify(found) : null},
          error = ${why}
      where n = ${row.n} and status = 'describing'`)
  }

  async #described(owner: Who, job: JobView): Promise<Described | null> {
    const { bytes } = this.#options.jobs
    const left = (await bytes.artifacts(owner, job.id)).find(({ path }) => path === describedPath)
    if (!left || left.size > maxDescribedBytes) return null
    const text = await new Response(await bytes.artifact(owner, job.id, describedPath)).text()
    const found: unknown = JSON.parse(text)
    return Value.Check(Described, found) ? found : null
  }

  async #row(who: Who, id: string): Promise<OutsideRow> {
    const row = await this.find(who, id)
    if (!row) throw new HearthError('not_found', 'Scenario not found')
    return row
  }

  /** Its place in the count of versions stays. */
  async #forget({ n }: OutsideRow): Promise<void> {
    await this.#options.db.run(sql`update scenarios_outside
      set status = 'deleted', definition = '{}', described = null where n = ${n}`)
  }
}

const check = (definition: Definition): void => {
  const length = JSON.stringify(definition).length
  if (length > maxDefinitionLength) {
    const message = `The definition has ${length} characters: ${maxDefinitionLength} at most`
    throw new HearthError('validation', message)
  }
  if (definition.kind !== 'openenv') return
  try {
    socketOf(definition.url)
  } catch (error) {
    const { message } = error as Error
    throw new HearthError('validation', message, { issues: [{ path: 'body.url', message }] })
  }
}

/** How far it is, for whoever waits for it. */
export const outsideView = ({ definition, version, status, jobId, error }: OutsideRow) => ({
  id: definition.id,
  name: definition.name ?? definition.id,
  kind: definition.kind,
  version,
  status,
  job_id: jobId,
  error,
})
