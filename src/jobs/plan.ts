/** A plan: everything a node needs to know to run a job, and nothing of what it is for. */
import { type Static, Type as t } from '@sinclair/typebox'

const closed = { additionalProperties: false } as const
const bytes = t.Integer({ minimum: 0, maximum: 2 ** 50 })
const sha256 = t.String({ pattern: '^[0-9a-f]{64}$' })

/** A path inside the work folder: relative, no `..`, no control characters. */
const WorkPath = t.String({
  minLength: 1,
  maxLength: 1024,
  pattern: '^(?!/)(?!.*(^|/)\\.\\.(/|$))[^\\x00-\\x1f\\\\]+$',
})

/** Levels of isolation, weakest first. A node runs a job at the level asked for, or not at all. */
export const sandboxLevels = ['none', 'cgroup', 'bwrap', 'docker'] as const
export type SandboxLevel = (typeof sandboxLevels)[number]

export const Limits = t.Object(
  {
    memoryBytes: t.Optional(bytes),
    cpus: t.Optional(t.Number({ exclusiveMinimum: 0, maximum: 4096 })),
    pids: t.Optional(t.Integer({ minimum: 1, maximum: 1_000_000 })),
    diskBytes: t.Optional(bytes),
    wallMs: t.Optional(t.Integer({ minimum: 1 })),
    logBytes: t.Optional(bytes),
  },
  closed,
)

export const Needs = t.Object(
  {
    cpus: t.Optional(t.Number({ minimum: 0, maximum: 4096 })),
    memoryBytes: t.Optional(bytes),
    gpus: t.Optional(t.Integer({ minimum: 0, maximum: 64 })),
    gpuMemoryBytes: t.Optional(bytes),
    gpuModel: t.Optional(t.String({ maxLength: 100 })),
    /** Every one must be on the node: `name` or `name=value`. */
    labels: t.Optional(t.Array(t.String({ minLength: 1, maxLength: 200 }), { maxItems: 50 })),
  },
  closed,
)

export const InputFile = t.Object(
  {
    path: WorkPath,
    sha256,
    sizeBytes: bytes,
    executable: t.Optional(t.Boolean()),
  },
  closed,
)

export const PythonEnvironment = t.Object(
  {
    /** Lines of a requirements file: with hashes, or a lock. Empty: just an interpreter. */
    requirements: t.Array(t.String({ maxLength: 2000 }), { maxItems: 2000 }),
    /** `3.11`, say; absent: whatever the node has. */
    version: t.Optional(t.String({ pattern: '^3\\.\\d{1,2}$' })),
  },
  closed,
)

export const Plan = t.Object(
  {
    /** The program and its arguments; never a shell line. */
    command: t.Array(t.String({ maxLength: 100_000 }), { minItems: 1, maxItems: 10_000 }),
    env: t.Optional(
      t.Record(t.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), t.String({ maxLength: 100_000 })),
    ),
    /** Placed into the work folder before the start. */
    files: t.Optional(t.Array(InputFile, { maxItems: 100_000 })),
    /** Patterns (`out/**`) of files kept after the end, beside those the program names. */
    outputs: t.Optional(t.Array(WorkPath, { maxItems: 100 })),
    python: t.Optional(PythonEnvironment),
    /**
     * Modules that a command `python …` will import: a node may fork it from a Python that has them
     * already, isolated as strictly as one that was started. Only for `bwrap` without network.
     */
    warmImports: t.Optional(
      t.Array(t.String({ pattern: '^[A-Za-z_]\\w*(\\.[A-Za-z_]\\w*)*$', maxLength: 200 }), {
        maxItems: 100,
      }),
    ),
    /** A container image: only Docker nodes run it. */
    image: t.Optional(t.String({ maxLength: 500 })),
    sandbox: t.Optional(t.Union(sandboxLevels.map((level) => t.Literal(level)))),
    /** Default false with a sandbox of `bwrap` or `docker`, true otherwise. */
    network: t.Optional(t.Boolean()),
    limits: t.Optional(Limits),
    needs: t.Optional(Needs),
    /** Between SIGTERM and SIGKILL; a checkpoint must fit in. Default 30 s. */
    graceMs: t.Optional(t.Integer({ minimum: 0, maximum: 3_600_000 })),
  },
  closed,
)
export type Plan = Static<typeof Plan>
