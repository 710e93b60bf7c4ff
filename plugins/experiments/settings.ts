/** The settings of one experiment: everything beyond the document is optional and has a default. */
import { Type as t } from '../../src/sdk.ts'

const closed = { additionalProperties: false } as const
const share = (value: number) => t.Number({ minimum: 0, maximum: 1, default: value })

/** Who writes programs, and with what. A role without a model takes that of `code`. */
const Role = t.Object(
  {
    /** As its provider names it: `gpt-4.1`, `claude-sonnet-4-5`, `ollama/llama3`. */
    model: t.String({ minLength: 1, maxLength: 200 }),
    /** null: not sent, for models that refuse it. */
    temperature: t.Optional(t.Union([t.Number({ minimum: 0, maximum: 2 }), t.Null()])),
    maxTokens: t.Optional(t.Integer({ minimum: 16, maximum: 1_000_000 })),
    /** What it costs, for models whose price is not known, or another one. */
    usdPerMillion: t.Optional(
      t.Object({ input: t.Number({ minimum: 0 }), output: t.Number({ minimum: 0 }) }, closed),
    ),
  },
  closed,
)

export const ExperimentSettings = t.Object(
  {
    /** `auto`: a model when a key or an address of one is set, the built-in ladder otherwise. */
    proposer: t.Union([t.Literal('auto'), t.Literal('model'), t.Literal('built-in')], {
      default: 'auto',
    }),
    models: t.Object(
      { code: t.Optional(Role), review: t.Optional(Role), report: t.Optional(Role) },
      { ...closed, default: {} },
    ),
    policy: t.Union([t.Literal('greedy'), t.Literal('uct'), t.Literal('evolution')], {
      default: 'greedy',
    }),
    search: t.Object(
      {
        numDrafts: t.Integer({ minimum: 1, maximum: 100, default: 5 }),
        debugProb: share(0.5),
        maxDebugDepth: t.Integer({ minimum: 0, maximum: 100, default: 3 }),
        /** Steps without a better node after which the policy is switched; null: never. */
        stagnation: t.Union([t.Integer({ minimum: 1 }), t.Null()], { default: null }),
        /** Share of the time or the steps after which `uct` and `evolution` become greedy. */
        exploitAfter: share(0.7),
      },
      { ...closed, default: {} },
    ),
    /** Programs at once. */
    workers: t.Integer({ minimum: 1, maximum: 64, default: 1 }),
    seed: t.Integer({ minimum: 0, maximum: 2 ** 31 - 1, default: 0 }),
    /** An experiment whose recorded replies take the place of models. */
    replayFrom: t.Optional(t.String({ pattern: '^exp_[0-9a-f]{12}$' })),
    kFold: t.Integer({ minimum: 1, maximum: 20, default: 5 }),
    exposePrediction: t.Boolean({ default: false }),
    dataPreview: t.Boolean({ default: true }),
    report: t.Boolean({ default: true }),
    /** Programs wait until a user approves them. */
    approve: t.Boolean({ default: false }),
    /** What the server scores; absent: read from goal and evaluation. `null`: AIDE's way. */
    target: t.Optional(t.Union([t.String({ minLength: 1, maxLength: 200 }), t.Null()])),
    metric: t.Optional(t.String({ minLength: 1, maxLength: 100 })),
    idColumn: t.Optional(t.String({ minLength: 1, maxLength: 200 })),
    groupColumn: t.Optional(t.String({ minLength: 1, maxLength: 200 })),
    /** Runs of the best programs with other seeds before one is chosen; 0: none. */
    reruns: t.Integer({ minimum: 0, maximum: 10, default: 3 }),
    finalists: t.Integer({ minimum: 1, maximum: 20, default: 3 }),
    ensemble: t.Boolean({ default: true }),
    exec: t.Object(
      {
        timeoutS: t.Number({ exclusiveMinimum: 0, maximum: 86_400, default: 3600 }),
        memoryBytes: t.Optional(t.Integer({ minimum: 2 ** 26 })),
        cpus: t.Number({ exclusiveMinimum: 0, maximum: 1024, default: 1 }),
        gpus: t.Integer({ minimum: 0, maximum: 64, default: 0 }),
        sandbox: t.Union(
          [t.Literal('none'), t.Literal('cgroup'), t.Literal('bwrap'), t.Literal('docker')],
          { default: 'bwrap' },
        ),
        requirements: t.Array(t.String({ maxLength: 2000 }), { maxItems: 500, default: [] }),
        /** Whether programs begin in a Python that has the usual modules imported already. */
        warm: t.Boolean({ default: true }),
      },
      { ...closed, default: {} },
    ),
    /** Each that is set ends the experiment cleanly when it is used up. */
    budget: t.Object(
      {
        seconds: t.Optional(t.Number({ exclusiveMinimum: 0 })),
        tokens: t.Optional(t.Integer({ minimum: 1 })),
        usd: t.Optional(t.Number({ exclusiveMinimum: 0 })),
      },
      { ...closed, default: {} },
    ),
  },
  closed,
)

export interface RoleSettings {
  readonly model: string
  readonly temperature?: number | null
  readonly maxTokens?: number
  readonly usdPerMillion?: { readonly input: number; readonly output: number }
}

/** With every default filled in. */
export interface ExperimentSettings {
  readonly proposer: 'auto' | 'model' | 'built-in'
  readonly models: {
    readonly code?: RoleSettings
    readonly review?: RoleSettings
    readonly report?: RoleSettings
  }
  readonly policy: 'greedy' | 'uct' | 'evolution'
  readonly search: {
    readonly numDrafts: number
    readonly debugProb: number
    readonly maxDebugDepth: number
    readonly stagnation: number | null
    readonly exploitAfter: number
  }
  readonly workers: number
  readonly seed: number
  readonly replayFrom?: string
  readonly kFold: number
  readonly exposePrediction: boolean
  readonly dataPreview: boolean
  readonly report: boolean
  readonly approve: boolean
  readonly target?: string | null
  readonly metric?: string
  readonly idColumn?: string
  readonly groupColumn?: string
  readonly reruns: number
  readonly finalists: number
  readonly ensemble: boolean
  readonly exec: {
    readonly timeoutS: number
    readonly memoryBytes?: number
    readonly cpus: number
    readonly gpus: number
    readonly sandbox: 'none' | 'cgroup' | 'bwrap' | 'docker'
    readonly requirements: readonly string[]
    readonly warm: boolean
  }
  readonly budget: { readonly seconds?: number; readonly tokens?: number; readonly usd?: number }
}
