/** A training as the document has it, and its row. */
import { HearthError, type Queries, sql, type Who } from '../../../src/sdk.ts'
import { type Newest, newestRows } from '../newest.ts'
import { standingOf } from './standing.ts'
import { algorithms } from '../training/algorithms.ts'
import type { TrainingSettings } from '../training/settings.ts'

export type Status = 'running' | 'paused' | 'completed' | 'failed'

export interface Session {
  readonly n: number
  readonly id: string
  readonly ownerId: number
  readonly jobId: string | null
  readonly version: number
  /** Of the scenario, as of `scenarioHash`. */
  readonly hash: string
  readonly framework: string
  readonly settings: TrainingSettings
  /** Nobody named the algorithm. */
  readonly isUsual: boolean
  readonly status: Status
  readonly episode: number
  /** The latest value of each curve. */
  readonly figures: Readonly<Record<string, number>>
  /** Counts what was told to watchers. */
  readonly updates: number
  /** The attempt of its job that told something last. */
  readonly heardAttempt: number
  readonly modelId: string | null
  readonly error: string | null
  readonly createdAt: number
  readonly endedAt: number | null
}

interface Row {
  readonly n: number
  readonly id: string
  readonly owner_id: number
  readonly job_id: string | null
  readonly version: number
  readonly hash: string
  readonly framework: string
  readonly settings: string
  readonly is_usual: number
  readonly status: Status
  readonly episode: number
  readonly figures: string
  readonly updates: number
  readonly heard_attempt: number
  readonly model_id: string | null
  readonly error: string | null
  readonly created_at: number
  readonly ended_at: number | null
}

const sessionOf = (row: Row): Session => ({
  n: row.n,
  id: row.id,
  ownerId: row.owner_id,
  jobId: row.job_id,
  version: row.version,
  hash: row.hash,
  framework: row.framework,
  settings: JSON.parse(row.settings),
  isUsual: row.is_usual === 1,
  status: row.status,
  episode: row.episode,
  figures: JSON.parse(row.figures),
  updates: row.updates,
  heardAttempt: row.heard_attempt,
  modelId: row.model_id,
  error: row.error,
  createdAt: row.created_at,
  endedAt: row.ended_at,
})

type Condition = ReturnType<typeof sql>

export const sessionsWhere = async (
  q: Queries,
  condition: Condition,
  newest: Newest = {},
): Promise<Session[]> => {
  const from = sql`scenarios_session where ${condition}`
  return (await newestRows<Row>(q, from, newest)).map(sessionOf)
}

/** Others' sessions are not there for whoever asks, administrators excepted. */
export const visibleSession = async (q: Queries, who: Who, id: string): Promise<Session> => {
  const [session] = await sessionsWhere(q, sql`id = ${id}`)
  if (session && (session.ownerId === who.id || who.isSuperuser)) return session
  throw new HearthError('not_found', 'Training session not found')
}

/** Numbers are never null: the document's own page calls `toFixed` on them. */
export const sessionView = (session: Session) => {
  const { settings, figures } = session
  const { episode, accuracy, avg_reward, loss, elapsed_s, rollouts_harness, ...others } = figures
  return {
    session_id: session.id,
    scenario_id: settings.scenario,
    scenario_version: session.version,
    framework: session.framework,
    algorithm: settings.algorithm,
    status: session.status,
    current_episode: session.episode,
    max_episodes: settings.episodes,
    learning_rate: settings.learningRate,
    seed: settings.seed,
    // Whose episodes it begins with; null: it learns by trial alone.
    demonstrations: demonstrationsOf(settings),
    accuracy: accuracy ?? 0,
    avg_reward: avg_reward ?? 0,
    loss: loss ?? 0,
    start_time: new Date(session.createdAt).toISOString().replace('Z', ''),
    elapsed_time: durationOf(elapsed_s ?? 0),
    // Who played: this program itself, or agents of the framework.
    rollouts: { native: session.episode, harness: rollouts_harness ?? 0 },
    ...standingOf(session),
    figures: others,
    job_id: session.jobId,
    model_id: session.modelId,
    error: session.error,
    // Why its job has not begun; only where it is asked for by itself.
    waiting_for: null as string | null,
  }
}

const demonstrationsOf = ({ recorded, algorithm }: TrainingSettings) =>
  recorded ? 'recorded' : algorithms[algorithm].copies ? 'oracle' : null

/** `H:MM:SS`, hours without a leading zero. */
const durationOf = (seconds: number): string => {
  const whole = Math.floor(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`
}
