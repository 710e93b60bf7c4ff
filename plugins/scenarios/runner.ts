/** The kind of job that a training is. */
import { Type as t, type Plan, type Runner } from '../../src/sdk.ts'
import { type Framework, frameworks, pythonOf } from './frameworks.ts'
import { type ScenarioSource, Source } from './outside/definition.ts'
import { planOf } from './outside/runner.ts'
import { algorithms } from './training/algorithms.ts'
import type { Baselines } from './training/baselines.ts'
import { languageSchema, promptSchema } from './training/language/settings.ts'
import { algorithmNames, type TrainingSettings } from './training/settings.ts'

export const settingsSchema = t.Object(
  {
    scenario: t.String({ minLength: 1, maxLength: 100 }),
    algorithm: t.Union(algorithmNames.map((name) => t.Literal(name))),
    episodes: t.Integer({ minimum: 1, maximum: 10_000_000 }),
    learningRate: t.Number({ minimum: 0, maximum: 1 }),
    seed: t.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
    recorded: t.Optional(
      t.Object(
        {
          sha256: t.String({ pattern: '^[0-9a-f]{64}$' }),
          sizeBytes: t.Integer({ minimum: 0 }),
          episodes: t.Integer({ minimum: 1 }),
        },
        { additionalProperties: false },
      ),
    ),
    gpus: t.Optional(t.Integer({ minimum: 0, maximum: 1 })),
    language: t.Optional(languageSchema),
    prompt: t.Optional(promptSchema),
  },
  { additionalProperties: false },
)

const spec = t.Object(
  {
    settings: settingsSchema,
    framework: t.Union(
      frameworks.map((name) => t.Literal(name)),
      { default: 'Native' },
    ),
    node: t.Optional(t.String({ minLength: 1, maxLength: 200 })),
    source: t.Optional(Source),
    baselines: t.Optional(t.Record(t.String(), t.Number())),
  },
  { additionalProperties: false },
)

/** An update and an evaluation must fit in. */
const graceMs = 60_000

/** Agents play the test besides, slowly where they are Python. */
const harnessGraceMs = 180_000

interface Spec {
  readonly settings: TrainingSettings
  readonly framework?: Framework
  readonly node?: string
  /** Of a scenario that is no part of the program. */
  readonly source?: ScenarioSource
  /** As they were measured before; absent: never. */
  readonly baselines?: Baselines
}

export const trainingRunner: Runner = {
  spec,
  plan(given): Plan {
    const { settings, framework = 'Native', node, source, baselines } = given as Spec
    const plan = algorithms[settings.algorithm].plan(settings)
    const requirements = pythonOf(framework) ?? []
    const needs = { ...plan.needs, ...(node !== undefined && { labels: [node] }) }
    const brought = source && planOf(source)
    const env = {
      ...plan.env,
      ...brought?.env,
      ...(baselines && { HEARTH_BASELINES: JSON.stringify(baselines) }),
    }
    const files = [...(plan.files ?? []), ...(brought?.files ?? [])]
    const pythons = [plan.python, brought?.python, requirements.length > 0 && { requirements }]
    const python = togetherOf(pythons.filter((one) => typeof one === 'object'))
    const whole = { ...plan, ...brought, env, needs, files, ...(python && { python }) }
    if (framework === 'Native') return { graceMs, ...whole }
    return { graceMs: harnessGraceMs, ...whole, env: { ...env, HEARTH_FRAMEWORK: framework } }
  },
}

/** One environment for all that is Python in a job: what learns, what plays, what is played. */
const togetherOf = (
  pythons: readonly { readonly requirements: readonly string[] }[],
): Plan['python'] => {
  const requirements = new Set(pythons.flatMap((python) => python.requirements))
  return pythons.length === 0 ? undefined : { requirements: [...requirements] }
}
