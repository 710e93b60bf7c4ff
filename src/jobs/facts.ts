/** Jobs as their streams need them; plans never change, so they are kept for a while. */
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import type { Plan } from './plan.ts'
import { isActive, type Job, jobsWhere, plansOf } from './rows.ts'
import type { JobFacts } from './streams.ts'

const maxPlans = 4096
/** Plans of thousands of files are read again instead. */
const maxFiles = 50

export class Facts {
  readonly #db: Database
  readonly #plans = new Map<string, Plan>()

  constructor(db: Database) {
    this.#db = db
  }

  async of(job: Job): Promise<JobFacts> {
    return factsOf(job, await this.#plan(job.id))
  }

  /** The jobs that a node has at the moment. */
  async on(nodeId: string): Promise<JobFacts[]> {
    const jobs = await jobsWhere(this.#db, sql`node_id = ${nodeId} and ${isActive}`)
    return Promise.all(jobs.map((job) => this.of(job)))
  }

  async #plan(jobId: string): Promise<Plan> {
    const known = this.#plans.get(jobId)
    if (known) return known
    const plan = (await plansOf(this.#db, [jobId])).get(jobId) ?? { command: [''] }
    this.remember(jobId, plan)
    return plan
  }

  remember(jobId: string, plan: Plan): void {
    if ((plan.files?.length ?? 0) > maxFiles) return
    this.#plans.set(jobId, plan)
    if (this.#plans.size > maxPlans) this.#plans.delete(this.#plans.keys().next().value as string)
  }
}

const factsOf = (job: Job, plan: Plan): JobFacts => ({
  id: job.id,
  kind: job.kind,
  name: job.name,
  ownerId: job.ownerId,
  projectId: job.projectId,
  state: job.state,
  attempt: job.attempt,
  node: job.nodeId,
  version: job.version,
  plan,
  createdAt: job.createdAt,
})
