/** Comes by the scenario of a job: part of the program, brought along, or opened outside. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleFrom, load } from '../brought/module.ts'
import type { Scenario } from '../environment.ts'
import type { ScenarioSource } from './definition.ts'
import { type OpenOutside, outsideScenario } from './environment.ts'
import { modulePath } from './runner.ts'

export interface Finding {
  find(id: string): Scenario | undefined
  readonly openEnvironment?: OpenOutside
  /** Where the job's files are; absent: here. */
  readonly folder?: string
}

/** @throws Error why it cannot be had */
export const scenarioFor = async (
  env: Readonly<Record<string, string | undefined>>,
  id: string,
  { find, openEnvironment, folder = '.' }: Finding,
): Promise<Scenario> => {
  const source = JSON.parse(env['HEARTH_SCENARIO'] ?? 'null') as ScenarioSource | null
  if (!source) {
    const scenario = find(id)
    if (!scenario) throw new Error(`There is no scenario ${id} here`)
    return scenario
  }
  if (source.kind === 'module') {
    const bundle = bundleFrom(readFileSync(join(folder, modulePath), 'utf8'))
    return (await load(bundle)).scenario
  }
  if (!openEnvironment) throw new Error('Environments from outside cannot be opened here')
  return outsideScenario(source, openEnvironment)
}
