/** The project that takes the runs of a user's jobs when they name none. */
import { type Database, sql, type Who } from '../../src/sdk.ts'
import type { Tracking } from '../tracking/service.ts'

const projectName = 'Jobs'

export class DefaultProjects {
  readonly #db: Database
  readonly #tracking: Tracking
  /** Two first jobs at once make one project. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(db: Database, tracking: Tracking) {
    this.#db = db
    this.#tracking = tracking
  }

  of(who: Who): Promise<number> {
    const turn = this.#turn.catch(() => undefined).then(() => this.#findOrMake(who))
    this.#turn = turn
    return turn
  }

  async #findOrMake(who: Who): Promise<number> {
    const { projects } = this.#tracking
    const known = await this.#known(who.id)
    // In the trash it takes no runs: the next one gets a new project.
    if (known !== undefined && (await projects.writable(who, known).then(yes, no))) return known
    const { id } = await projects.create(who, {
      name: projectName,
      description: 'Runs of jobs that name no project',
    })
    const kept = await this.#db.transaction(async (tx) => {
      await tx.lock(`job-runs-project-${who.id}`)
      const [row] = await tx.rows<{ project_id: number }>(sql`
        select project_id from job_runs_project where owner_id = ${who.id}`)
      if (row && row.project_id !== known) return row.project_id
      await tx.run(sql`
        insert into job_runs_project (owner_id, project_id) values (${who.id}, ${id})
        on conflict (owner_id) do update set project_id = excluded.project_id`)
      return id
    })
    // Another server was faster.
    if (kept !== id) await projects.trash(who, id)
    return kept
  }

  async #known(ownerId: number): Promise<number | undefined> {
    const [row] = await this.#db.rows<{ project_id: number }>(sql`
      select project_id from job_runs_project where owner_id = ${ownerId}`)
    return row?.project_id
  }
}

const yes = (): boolean => true
const no = (): boolean => false
