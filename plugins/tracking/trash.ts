/** Deletes for good: everything a run or project left anywhere. */
import { type Database, sql, type Who } from '../../src/sdk.ts'
import type { RunAccess } from './access.ts'
import type { PointStore } from './points/store.ts'
import type { Projects } from './projects.ts'
import type { Runs } from './runs.ts'

export interface TrashOptions {
  readonly db: Database
  readonly points: PointStore
  readonly projects: Projects
  readonly runs: Runs
  readonly access: RunAccess
  /** Drops the files of a run. */
  readonly deleteArtifacts: (runId: number) => Promise<void>
}

/**
 * A run is hidden before its parts go and its row goes last, so that what a crash interrupts is
 * never seen and can be deleted again.
 */
export class Trash {
  readonly #options: TrashOptions

  constructor(options: TrashOptions) {
    this.#options = options
  }

  async deleteRun(who: Who, id: number): Promise<void> {
    const run = await this.#options.runs.owned(who, id)
    if (!run.isDeleted) await this.#options.runs.trash(who, id)
    await this.#delete(id)
  }

  async deleteProject(who: Who, id: number): Promise<void> {
    const { db, projects, access } = this.#options
    const project = await projects.owned(who, id)
    if (!project.isDeleted) await projects.trash(who, id)
    const runs = await db.rows<{ id: number }>(sql`
      select id from tracking_run where project_id = ${id}`)
    for (const run of runs) await this.#delete(run.id)
    await db.run(sql`delete from tracking_project where id = ${id}`)
    access.forget()
  }

  async #delete(runId: number): Promise<void> {
    const { db, points, access, deleteArtifacts } = this.#options
    await points.delete(runId)
    await deleteArtifacts(runId)
    await db.run(sql`delete from tracking_run where id = ${runId}`)
    access.forget(runId)
  }
}
