/** Experiments as users handle them: made, looked at, changed, deleted. */
import { Value } from '@sinclair/typebox/value'
import {
  type Blobs,
  type Clock,
  type Database,
  HearthError,
  sql,
  type Transaction,
  type Who,
} from '../../src/sdk.ts'
import { invalid } from './errors.ts'
import type { Experiment, Status } from './experiment.ts'
import { type Files, newId } from './files/files.ts'
import { withInputs } from './files/inputs.ts'
import type { KeptFile } from './journal/node.ts'
import { type ExperimentRow, experimentOf, inputsOf, visibleExperiment } from './rows.ts'
import { ExperimentSettings } from './settings.ts'

export interface ExperimentsOptions {
  readonly db: Database
  readonly blobs: Blobs
  readonly clock: Clock
  readonly files: Files
}

export interface NewExperiment {
  readonly name: string
  readonly goal: string
  readonly evaluation: string | null
  readonly steps: number
  /** Ids of uploaded files. */
  readonly files: readonly string[]
  /** What of `ExperimentSettings` was given. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface Listing {
  readonly experiments: readonly Experiment[]
  readonly total: number
}

export class Experiments {
  readonly #options: ExperimentsOptions

  constructor(options: ExperimentsOptions) {
    this.#options = options
  }

  /** @throws HearthError FILE_NOT_FOUND, VALIDATION_ERROR */
  async create(who: Who, given: NewExperiment): Promise<Experiment> {
    const { db, clock } = this.#options
    const settings = settingsFrom(given.settings)
    const id = newId('exp')
    await withInputs(this.#options, who, given.files, (inputs) =>
      db.transaction(async (tx) => {
        const now = clock.now()
        await tx.run(sql`
          insert into experiments_experiment (id, owner_id, name, goal, evaluation, status,
            settings, first_steps, steps, finished_steps, version, created_at, updated_at)
          values (${id}, ${who.id}, ${given.name}, ${given.goal}, ${given.evaluation}, 'pending',
            ${JSON.stringify(settings)}, ${given.steps}, ${given.steps}, 0, 0, ${now}, ${now})`)
        await this.#insertInputs(tx, id, inputs)
      }),
    )
    return visibleExperiment(db, who, id)
  }

  async #insertInputs(tx: Transaction, id: string, inputs: readonly KeptFile[]): Promise<void> {
    await this.#options.files.keep(
      tx,
      inputs.map(({ sha256 }) => sha256),
    )
    for (const { path, sha256, sizeBytes } of inputs) {
      await tx.run(sql`
        insert into experiments_input (experiment_id, path, sha256, size)
        values (${id}, ${path}, ${sha256}, ${sizeBytes})`)
    }
  }

  get(who: Who, id: string): Promise<Experiment> {
    return visibleExperiment(this.#options.db, who, id)
  }

  inputs(id: string): Promise<KeptFile[]> {
    return inputsOf(this.#options.db, id)
  }

  async list(
    who: Who,
    { page, limit, status }: { page: number; limit: number; status: Status | undefined },
  ): Promise<Listing> {
    const { db } = this.#options
    const mine = sql`owner_id = ${who.id}`
    const where = status === undefined ? mine : sql`${mine} and status = ${status}`
    const rows = await db.rows<ExperimentRow>(sql`
      select * from experiments_experiment where ${where}
      order by created_at desc, id limit ${limit} offset ${(page - 1) * limit}`)
    const [count] = await db.rows<{ n: number }>(sql`
      select count(*) as n from experiments_experiment where ${where}`)
    return { experiments: rows.map(experimentOf), total: Number(count?.n ?? 0) }
  }

  /** Before the start everything may change; afterwards the name. @throws HearthError `conflict` */
  async update(who: Who, id: string, changes: Partial<NewExperiment>): Promise<Experiment> {
    const before = await this.get(who, id)
    const { files } = changes
    if (files === undefined) await this.#change(before, changes)
    else {
      const digests = (await this.inputs(id)).map(({ sha256 }) => sha256)
      await withInputs(this.#options, who, files, (inputs) => this.#change(before, changes, inputs))
      await this.#options.files.release(digests)
    }
    return this.get(who, id)
  }

  async #change(
    before: Experiment,
    changes: Partial<NewExperiment>,
    inputs?: readonly KeptFile[],
  ): Promise<void> {
    const { db, clock } = this.#options
    const { id } = before
    const { name = before.name, goal = before.goal, steps = before.steps } = changes
    const evaluation = changes.evaluation === undefined ? before.evaluation : changes.evaluation
    const isMore =
      inputs !== undefined ||
      goal !== before.goal ||
      evaluation !== before.evaluation ||
      steps !== before.steps ||
      Object.keys(changes.settings ?? {}).length > 0
    if (isMore && before.status !== 'pending') {
      throw new HearthError('conflict', 'Only the name can be changed once it was started')
    }
    if (steps !== before.steps && before.version > 0) {
      throw new HearthError('conflict', 'It has nodes already; extend it for more steps')
    }
    const settings = settingsFrom({ ...before.settings, ...changes.settings })
    await db.transaction(async (tx) => {
      const changed = await tx.run(sql`
        update experiments_experiment set name = ${name}, goal = ${goal},
          evaluation = ${evaluation}, settings = ${JSON.stringify(settings)},
          first_steps = case when version = 0 then ${steps} else first_steps end,
          steps = case when version = 0 then ${steps} else steps end, updated_at = ${clock.now()}
        where id = ${id} and (status = 'pending' or ${!isMore})`)
      if (changed === 0) throw new HearthError('conflict', 'It was started at the same time')
      if (inputs === undefined) return
      await tx.run(sql`delete from experiments_input where experiment_id = ${id}`)
      await this.#insertInputs(tx, id, inputs)
    })
  }

  /** Its rows, and those of its bytes that nobody else names. */
  async remove(id: string): Promise<void> {
    const { db, files } = this.#options
    const digests = await db.rows<{ sha256: string }>(sql`
      select sha256 from experiments_input where experiment_id = ${id}
      union select sha256 from experiments_kept where experiment_id = ${id}`)
    await db.transaction(async (tx) => {
      for (const table of ['event', 'input', 'kept', 'lease']) {
        const name = sql.identifier(`experiments_${table}`)
        await tx.run(sql`delete from ${name} where experiment_id = ${id}`)
      }
      await tx.run(sql`delete from experiments_experiment where id = ${id}`)
    })
    await files.release(digests.map(({ sha256 }) => sha256))
  }
}

/** Defaults filled in. @throws HearthError VALIDATION_ERROR naming every wrong setting */
export const settingsFrom = (given: Readonly<Record<string, unknown>>): Experiment['settings'] => {
  const settings = Value.Default(ExperimentSettings, structuredClone(given))
  const errors = [...Value.Errors(ExperimentSettings, settings)].slice(0, 20)
  const [first] = errors
  if (first) {
    const issues = errors.map(({ path, message }) => ({ path: `body${path}`, message }))
    throw new HearthError('validation', `${first.path.slice(1)}: ${first.message}`, { issues })
  }
  return settings as Experiment['settings']
}

/** The names of settings: what else a body holds is none of our business. */
export const settingNames: readonly string[] = Object.keys(ExperimentSettings.properties)

export const checkSteps = (steps: number, most: number): number => {
  if (Number.isInteger(steps) && steps >= 1 && steps <= most) return steps
  throw invalid('steps', `must be a whole number from 1 to ${most}`)
}
