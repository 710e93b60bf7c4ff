/** A scenario from outside as its owner defines it, and as jobs are told of it. */
import { type Static, Type as t } from '@sinclair/typebox'
import type { ScenarioSpec } from '../environment.ts'

const closed = { additionalProperties: false } as const

const named = {
  /** Also in paths and names of files, so it is kept plain. */
  id: t.String({ pattern: '^[a-z][a-z0-9_-]{0,63}$' }),
  name: t.Optional(t.String({ minLength: 1, maxLength: 100 })),
  description: t.Optional(t.String({ minLength: 1, maxLength: 1000 })),
}

const maxSteps = t.Integer({ minimum: 1, maximum: 100_000 })
const threshold = t.Number({
  minimum: -1e9,
  maximum: 1e9,
  description: 'An episode succeeds whose rewards sum up to as much.',
})
const actionName = t.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' })

/** For environments that come with Gymnasium and need nothing else. */
export const usualRequirements = ['gymnasium==1.3.0']

export const GymnasiumDefinition = t.Object(
  {
    kind: t.Literal('gymnasium'),
    ...named,
    environment: t.String({
      pattern: '^([A-Za-z0-9_.]+:)?[A-Za-z0-9_./-]+$',
      maxLength: 200,
      description: 'As for `gymnasium.make`; `module:Name-v0` imports the module first.',
    }),
    options: t.Optional(t.Record(t.String({ maxLength: 100 }), t.Unknown())),
    requirements: t.Optional(
      t.Array(t.String({ minLength: 1, maxLength: 500 }), {
        maxItems: 100,
        description: `Lines of a requirements file; left out: ${usualRequirements.join(', ')}.`,
      }),
    ),
    actions: t.Optional(t.Array(actionName, { minItems: 1, maxItems: 4096 })),
    max_steps: t.Optional(maxSteps),
    threshold: t.Optional(threshold),
  },
  closed,
)

export const OpenEnvDefinition = t.Object(
  {
    kind: t.Literal('openenv'),
    ...named,
    url: t.String({
      maxLength: 500,
      description: 'Where the server is, without `/ws`: http, https, ws or wss.',
    }),
    observation: t.Array(t.String({ pattern: '^[A-Za-z0-9_.-]{1,200}$' }), {
      minItems: 1,
      maxItems: 256,
      description: 'Where the numbers are in an observation, in order: `board.cells`.',
    }),
    actions: t.Array(
      t.Object({ name: actionName, action: t.Record(t.String(), t.Unknown()) }, closed),
      { minItems: 1, maxItems: 1024 },
    ),
    max_steps: maxSteps,
    threshold,
  },
  closed,
)

export const Definition = t.Union([GymnasiumDefinition, OpenEnvDefinition])
export type Definition = Static<typeof Definition>

/** How an environment in the middle of an episode is written down. */
export const savings = [
  /** By its seed and the actions since: what a seed determines wholly. */
  'replay',
  /** By its process, with everything in it. */
  'state',
  /** Not: what goes on begins its episodes anew. */
  'none',
] as const

/** What the describing job found out. */
export const Described = t.Object({
  observations: t.Integer({ minimum: 1, maximum: 4096 }),
  actions: t.Integer({ minimum: 1, maximum: 4096 }),
  maxSteps,
  threshold,
  saving: t.Union(savings.map((one) => t.Literal(one))),
  /** Of one step, all in all. */
  stepUs: t.Number({ minimum: 0 }),
  /** What the checker of its own kind finds wrong with it; null: nothing. */
  breach: t.Union([t.String({ maxLength: 500 }), t.Null()]),
  versions: t.Optional(t.Record(t.String(), t.String({ maxLength: 100 }), { maxProperties: 20 })),
})
export type Described = Static<typeof Described>

/** All that a job needs to have it. JSON. */
export interface OutsideSource {
  readonly kind: 'gymnasium' | 'openenv'
  readonly spec: ScenarioSpec
  readonly definition: Definition
  readonly described: Described
}

/** A module of TypeScript that a plugin brought, bundled. */
export interface ModuleSource {
  readonly kind: 'module'
  /** Of the bundle, an input of the job's owner. */
  readonly sha256: string
  readonly sizeBytes: number
}

export type ScenarioSource = OutsideSource | ModuleSource

export const Source = t.Union([
  t.Object(
    {
      kind: t.Union([t.Literal('gymnasium'), t.Literal('openenv')]),
      // Made here from the other two.
      spec: t.Unknown(),
      definition: Definition,
      described: Described,
    },
    closed,
  ),
  t.Object(
    {
      kind: t.Literal('module'),
      sha256: t.String({ pattern: '^[0-9a-f]{64}$' }),
      sizeBytes: t.Integer({ minimum: 1 }),
    },
    closed,
  ),
])

/** Of all that says what it does: which packages it had, and what they were asked for. */
export const outsideHash = ({ definition, described }: OutsideSource): string => {
  const { stepUs: _, ...lasting } = described
  return new Bun.CryptoHasher('sha256').update(JSON.stringify([definition, lasting])).digest('hex')
}

/** Of the whole definition: it travels in an environment variable. */
export const maxDefinitionLength = 40_000

/** What the environment's process reads; `checks`: is it what Gymnasium says one must be? */
export const wantedOf = (definition: Definition, checks = false) => {
  const { kind } = definition
  if (definition.kind === 'gymnasium') {
    const { environment, options, max_steps } = definition
    return { kind, environment, checks, ...(options && { options }), maxSteps: max_steps ?? null }
  }
  const { url, observation, actions, max_steps: maxSteps } = definition
  return { kind, url: socketOf(url), observation, actions, maxSteps }
}

/** @throws Error what is wrong with the address */
export const socketOf = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^(http|ws)s?:$/.test(url.protocol)) {
    throw new Error('url must begin with http://, https://, ws:// or wss://')
  }
  if (url.username || url.password) throw new Error('url must hold no user and no password')
  if (url.hash) throw new Error('url must have no fragment')
  url.protocol = url.protocol.replace('http', 'ws')
  url.pathname = `${url.pathname.replace(/\/$/, '')}/ws`
  return url.href
}

export const specOf = (definition: Definition, version: number, found: Described): ScenarioSpec => {
  const { id, kind, name, description } = definition
  const isGymnasium = definition.kind === 'gymnasium'
  const numbered = Array.from({ length: found.actions }, (_, n) => `action_${n}`)
  const whose = isGymnasium ? definition.environment : definition.url
  return {
    id,
    version,
    name: name ?? id,
    description: description ?? `${whose}, from outside: its rewards are the environment's own.`,
    difficulty: 'intermediate',
    tasks: ['episode'],
    observations: found.observations,
    actions: isGymnasium
      ? (definition.actions ?? numbered)
      : definition.actions.map(({ name: one }) => one),
    maxSteps: found.maxSteps,
    scripted: [],
    metrics: ['return'],
    features: [kind, ...(found.saving === 'none' ? ['inexact resume'] : [])],
  }
}
