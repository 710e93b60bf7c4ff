/**
 * What an agent and a server say to each other: five verbs over HTTP, every one safe to repeat.
 *
 * The agent only ever calls out. `sync` carries the whole state both ways, so no single lost
 * message matters; it is heartbeat, claim, cancellation and reconciliation in one. `start` must
 * succeed before anything is spawned. `log` and `events` append bytes at an offset: the server's
 * own size is the truth. `blob` moves content by digest, resumable. `finish` commits only when log,
 * events and artifacts are complete. Every path names the attempt: a stale one is answered 410.
 */
import { type Static, Type as t } from '@sinclair/typebox'
import { Plan } from './plan.ts'

export * from './outcome.ts'
export * from './plan.ts'

/** Refused when the major number differs. */
export const protocolVersion = '1.0'

export const Gpu = t.Object({
  uuid: t.String(),
  model: t.String(),
  memoryBytes: t.Integer(),
})

export const Capacity = t.Object({
  /** Jobs at once. */
  slots: t.Integer({ minimum: 0 }),
  cpus: t.Number(),
  memoryBytes: t.Integer(),
  gpus: t.Array(Gpu),
  labels: t.Array(t.String()),
  /** What the node proved it can do: `none`, `cgroup`, `bwrap`, `docker`. */
  sandboxes: t.Array(t.String()),
})

export const phases = ['preparing', 'starting', 'running', 'uploading', 'finished'] as const

export const Holding = t.Object({
  job: t.String(),
  attempt: t.Integer(),
  phase: t.Union(phases.map((phase) => t.Literal(phase))),
  /** What of the phase is being done: `installing torch`, say. */
  detail: t.Optional(t.String()),
})

/** `POST /api/agents/join`: exchanges a join token, once, for a credential of the node's own. */
export const JoinRequest = t.Object({
  token: t.String(),
  name: t.String({ minLength: 1, maxLength: 200 }),
  protocol: t.String(),
  version: t.String(),
})
export const JoinReply = t.Object({ node: t.String(), credential: t.String() })

/** `POST /api/agents/sync`: waits up to `waitMs` for something to do. */
export const SyncRequest = t.Object({
  /**
   * Chosen at each start of the agent's process: tells a restart from a second copy. When it begins
   * with a number and a dot, and the number grows with each start, what an earlier process sent is
   * refused however late it comes.
   */
  boot: t.String(),
  protocol: t.String(),
  version: t.String(),
  capacity: Capacity,
  /** `false` while draining: no new work, what runs runs on. */
  accepting: t.Boolean(),
  holding: t.Array(Holding),
  waitMs: t.Integer({ minimum: 0, maximum: 25_000 }),
})

export const Assignment = t.Object({
  job: t.String(),
  attempt: t.Integer(),
  plan: Plan,
  /** GPUs leased to this attempt, by UUID. */
  gpus: t.Array(t.String()),
  /** Cut-off after which the node ends the attempt by itself when it cannot reach the server. */
  stopAfterMs: t.Union([t.Integer(), t.Null()]),
  /** Digest of the checkpoint to go on from, and its name in the work folder. */
  checkpoint: t.Union([
    t.Object({ path: t.String(), sha256: t.String(), sizeBytes: t.Integer() }),
    t.Null(),
  ]),
})

export const SyncReply = t.Object({
  /** Assignments this node has not taken up yet: the same ones again until it holds them. */
  work: t.Array(Assignment),
  /** What is wanted of what the node holds. */
  want: t.Array(
    t.Object({
      job: t.String(),
      attempt: t.Integer(),
      desired: t.Union([t.Literal('run'), t.Literal('pause'), t.Literal('cancel')]),
    }),
  ),
  /** Attempts that are none of this node's any more: end them and forget them. */
  drop: t.Array(t.Object({ job: t.String(), attempt: t.Integer() })),
})

/** `POST /api/attempts/:job/:attempt/start`: secrets come here, and live in memory only. */
export const StartReply = t.Object({ secrets: t.Record(t.String(), t.String()) })

/** `PUT /api/attempts/:job/:attempt/{log,events}?offset=N`: 200, or 416 with the server's size. */
export const AppendReply = t.Object({ size: t.Integer() })

export const Artifact = t.Object({
  path: t.String(),
  sha256: t.String(),
  sizeBytes: t.Integer(),
  kind: t.Union([t.Literal('artifact'), t.Literal('checkpoint')]),
})

/**
 * `/api/blobs/:sha256`: `GET` the bytes, `HEAD` 200 when whole (404 otherwise, `X-Upload-Offset`
 * saying what is there so far), `PUT ?offset=N` 200 or 416 with a `BlobReply`, `POST .../commit`
 * with a `BlobCommit` 200, 416 when bytes are missing, 412 when the digest differs: begin anew.
 */
export const BlobReply = t.Object({ size: t.Integer() })
export const BlobCommit = t.Object({ size: t.Integer() })

/** What `finish` answers besides 200. */
export const FinishBehind = t.Object({ log: t.Integer(), events: t.Integer() })
export const FinishDiffers = t.Object({ differs: t.Array(t.String()) })
export const FinishMissing = t.Object({ missing: t.Array(t.String()) })

/**
 * `POST /api/attempts/:job/:attempt/finish`: 200, also when repeated; 416 (`FinishBehind`) when
 * bytes are missing; 412 (`FinishDiffers`: `log`, `events`) when a digest differs: the server has
 * cut that stream to nothing, send all of it again; 424 (`FinishMissing`) names blobs not there.
 */
export const FinishRequest = t.Object({
  outcome: t.Object({
    reason: t.String(),
    exitCode: t.Union([t.Integer(), t.Null()]),
    signal: t.Union([t.String(), t.Null()]),
    message: t.Optional(t.String()),
    usage: t.Optional(t.Record(t.String(), t.Number())),
  }),
  log: t.Object({ size: t.Integer(), sha256: t.String() }),
  events: t.Object({ size: t.Integer(), sha256: t.String() }),
  artifacts: t.Array(Artifact),
})

export type JoinReply = Static<typeof JoinReply>
export type SyncRequest = Static<typeof SyncRequest>
export type SyncReply = Static<typeof SyncReply>
export type Assignment = Static<typeof Assignment>
export type Capacity = Static<typeof Capacity>
export type FinishRequest = Static<typeof FinishRequest>
export type Artifact = Static<typeof Artifact>
