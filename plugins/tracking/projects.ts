/** Projects: what belongs together and who owns it. */
import { type Clock, type Database, HearthError, type SQL, sql, type Who } from '../../src/sdk.ts'
import { assertReadable, assertWritable, type Owned, owns } from './access.ts'
import type { Page } from './parameters.ts'

export interface Project extends Owned {
  readonly id: number
  readonly name: string
  readonly description: string | null
  /** Microseconds since the epoch, as all times here. */
  readonly createdAt: number
  readonly updatedAt: number
}

export interface ProjectChange {
  readonly name?: string
  readonly description?: string | null
  readonly isPublic?: boolean
}

export class Projects {
  readonly #db: Database
  readonly #clock: Clock
  readonly #changed: () => void

  /** `changed` is called after what others may do with a project's runs has changed. */
  constructor(db: Database, clock: Clock, changed: () => void) {
    this.#db = db
    this.#clock = clock
    this.#changed = changed
  }

  async create(who: Who, input: ProjectChange & { name: string }): Promise<Project> {
    const now = this.#now()
    const [row] = await this.#db.rows<ProjectRow>(sql`
      insert into tracking_project (name, description, owner_id, is_public, created_at, updated_at)
      values (${input.name}, ${input.description ?? null}, ${who.id}, ${input.isPublic ?? false},
        ${now}, ${now})
      returning *`)
    return fromRow(row!)
  }

  /** The caller's projects, or everybody's for a superuser, by id. */
  async list(who: Who, { skip, limit, deleted }: Page & { deleted: boolean }): Promise<Project[]> {
    const mine = who.isSuperuser ? sql`1 = 1` : sql`owner_id = ${who.id}`
    const state = deleted ? sql`deleted_at is not null` : sql`deleted_at is null`
    const rows = await this.#db.rows<ProjectRow>(sql`
      select * from tracking_project where ${mine} and ${state}
      order by id limit ${limit} offset ${skip}`)
    return rows.map(fromRow)
  }

  /** @throws HearthError `not_found` */
  async readable(who: Who, id: number): Promise<Project> {
    const project = await this.#find(id)
    assertReadable(who, project)
    return project
  }

  /** @throws HearthError `not_found`, `forbidden` */
  async writable(who: Who, id: number): Promise<Project> {
    const project = await this.#find(id)
    assertWritable(who, project)
    return project
  }

  async update(who: Who, id: number, change: ProjectChange): Promise<Project> {
    const project = await this.writable(who, id)
    const set: SQL[] = []
    if (change.name !== undefined) set.push(sql`name = ${change.name}`)
    if (change.description !== undefined) set.push(sql`description = ${change.description}`)
    if (change.isPublic !== undefined) set.push(sql`is_public = ${change.isPublic}`)
    if (set.length === 0) return project
    set.push(sql`updated_at = ${this.#now()}`)
    const [row] = await this.#db.rows<ProjectRow>(sql`
      update tracking_project set ${sql.join(set, sql`, `)} where id = ${id} returning *`)
    this.#changed()
    if (!row) throw new HearthError('not_found')
    return fromRow(row)
  }

  /** Hides a project and its runs; `restore` brings them back. */
  async trash(who: Who, id: number): Promise<void> {
    await this.writable(who, id)
    await this.#db.run(sql`
      update tracking_project set deleted_at = ${this.#now()} where id = ${id}`)
    this.#changed()
  }

  async restore(who: Who, id: number): Promise<Project> {
    await this.owned(who, id)
    const [row] = await this.#db.rows<ProjectRow>(sql`
      update tracking_project set deleted_at = null where id = ${id} returning *`)
    this.#changed()
    if (!row) throw new HearthError('not_found')
    return fromRow(row)
  }

  /** A project of the caller's, in the trash or not. @throws HearthError */
  async owned(who: Who, id: number): Promise<Project> {
    const project = await this.#find(id)
    if (project && owns(who, project)) return project
    throw new HearthError(project?.isPublic && !project.isDeleted ? 'forbidden' : 'not_found')
  }

  async #find(id: number): Promise<Project | null> {
    const [row] = await this.#db.rows<ProjectRow>(sql`
      select * from tracking_project where id = ${id}`)
    return row ? fromRow(row) : null
  }

  #now(): number {
    return this.#clock.now() * 1000
  }
}

interface ProjectRow {
  readonly id: number
  readonly name: string
  readonly description: string | null
  readonly owner_id: number
  readonly is_public: boolean | number
  readonly created_at: number
  readonly updated_at: number
  readonly deleted_at: number | null
}

const fromRow = (row: ProjectRow): Project => ({
  id: row.id,
  name: row.name,
  description: row.description,
  ownerId: row.owner_id,
  isPublic: Boolean(row.is_public),
  isDeleted: row.deleted_at !== null,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})
