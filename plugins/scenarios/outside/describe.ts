/** The program of a job that finds out what a scenario from outside is, and writes it down. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Definition, type Described, specOf, wantedOf } from './definition.ts'
import { type OpenOutside, OutsideEnvironment, type OutsideProcess } from './environment.ts'
import { probe } from './probe.ts'

export const describedPath = 'described.json'

/** What the environment's process tells of it. */
interface Told {
  readonly observations: number
  readonly actions: number
  readonly maxSteps: number | null
  readonly threshold?: number | null
  readonly breach?: string | null
  readonly versions?: Readonly<Record<string, string>>
}

/** Leaves `described.json` in `folder`. @throws Error what is wrong with it, in words */
export const describe = (definition: Definition, open: OpenOutside, folder = '.'): Described => {
  const process = open(wantedOf(definition, true))
  try {
    const found = lookedAt(definition, process)
    writeFileSync(join(folder, describedPath), JSON.stringify(found))
    return found
  } finally {
    process.end()
  }
}

const lookedAt = (definition: Definition, process: OutsideProcess): Described => {
  const { observations, actions, ...told } = process.description as Told
  const maxSteps = definition.max_steps ?? told.maxSteps
  const threshold = definition.threshold ?? told.threshold
  if (maxSteps === null) throw new Error('Its episodes have no bound: give max_steps')
  if (threshold === null || threshold === undefined) {
    throw new Error('It does not say when an episode has succeeded: give threshold')
  }
  const names = definition.kind === 'gymnasium' ? definition.actions : undefined
  if (names && names.length !== actions) {
    throw new Error(`It has ${actions} actions, and ${names.length} names are given for them`)
  }
  const known = {
    observations,
    actions,
    maxSteps,
    threshold,
    breach: told.breach ?? null,
    ...(told.versions && { versions: told.versions }),
  }
  const found = probe((saving) => {
    const described: Described = { ...known, saving, stepUs: 0 }
    const spec = specOf(definition, 1, described)
    const source = { kind: definition.kind, spec, definition, described }
    return new OutsideEnvironment(source, process, () => {})
  }, observations)
  return { ...known, ...found }
}
