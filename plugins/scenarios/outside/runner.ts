/** What jobs need that have to do with scenarios from outside, and the job that describes one. */
import { type Plan, type Runner, Type as t } from '../../../src/sdk.ts'
import { Definition, type ScenarioSource, usualRequirements } from './definition.ts'

type Needs = Pick<Plan, 'env' | 'python' | 'files' | 'network'>

/** Where a bundle lies in the work folder. */
export const modulePath = 'scenario.js'

/** What a plan has to have on top, so that its job comes by the scenario. */
export const planOf = (source: ScenarioSource): Needs => {
  const env = { HEARTH_SCENARIO: JSON.stringify(source) }
  if (source.kind === 'module') {
    const { sha256, sizeBytes } = source
    return { env, files: [{ path: modulePath, sha256, sizeBytes }] }
  }
  return { env, ...reachOf(source.definition) }
}

const reachOf = (definition: Definition): Needs =>
  definition.kind === 'gymnasium'
    ? { python: { requirements: definition.requirements ?? usualRequirements } }
    : { network: true }

const spec = t.Object(
  { definition: Definition, node: t.Optional(t.String({ minLength: 1, maxLength: 200 })) },
  { additionalProperties: false },
)

/** Without what it takes to install: an environment that hangs is no environment. */
const wallMs = 600_000

export const describeRunner: Runner = {
  spec,
  plan(given): Plan {
    const { definition, node } = given as { definition: Definition; node?: string }
    return {
      command: ['hearth', 'environment', 'describe'],
      env: { HEARTH_SCENARIO: JSON.stringify(definition) },
      ...reachOf(definition),
      outputs: ['described.json'],
      needs: { cpus: 0.25, ...(node !== undefined && { labels: [node] }) },
      limits: { wallMs },
      graceMs: 1000,
    }
  },
}
