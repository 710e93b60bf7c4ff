/** How a training stands, beyond what the document asks for: read off the latest of its curves. */
import { adviceOf } from './advice.ts'
import type { Session } from './session.ts'
import { baselineNames } from '../training/baselines.ts'

export interface Alarm {
  readonly kind: 'dead_task'
  readonly task: string
  readonly message: string
}

interface TaskStanding {
  readonly accuracy: number
  readonly episodes: number
}

/** A task is given a quarter of the episodes before it must have succeeded once. */
const patience = 0.25
/** Of one task: fewer may all have failed by chance. */
const leastEpisodes = 10

type Figures = Session['figures']

const accuracyOf = 'accuracy/'

/** Numbers are never null: 0 until something was measured. */
export const standingOf = (session: Session) => {
  const { figures, settings, status } = session
  const of = (name: string) => figures[name] ?? 0
  const tasks = tasksIn(figures)
  const worst = Object.entries(tasks).toSorted(([, a], [, b]) => a.accuracy - b.accuracy)[0]
  const isOver = status === 'completed' || status === 'failed'
  return {
    accuracy_n: of('accuracy_n'),
    ci95: [of('accuracy_low'), figures['accuracy_high'] ?? 100],
    tasks,
    worst_task: worst?.[0] ?? null,
    evaluated_at_episode: of('evaluated_at'),
    baselines: baselinesOf(figures),
    alarms: alarmsOf(session, tasks),
    entropy: of('entropy'),
    approx_kl: of('approx_kl'),
    clip_frac: of('clip_frac'),
    explained_variance: of('explained_variance'),
    trajectory_entropy: of('trajectory_entropy'),
    steps_per_second: of('steps_per_s'),
    progress: {
      done: session.episode,
      total: settings.episodes,
      percent: (100 * session.episode) / settings.episodes,
      eta_seconds: isOver ? 0 : of('eta_s'),
    },
    advice: adviceOf({ ...settings, version: session.version, isUsual: session.isUsual }),
  }
}

const tasksIn = (figures: Figures): Readonly<Record<string, TaskStanding>> =>
  Object.fromEntries(
    Object.entries(figures).flatMap(([name, accuracy]) => {
      if (!name.startsWith(accuracyOf)) return []
      const task = name.slice(accuracyOf.length)
      return [[task, { accuracy, episodes: figures[`episodes/${task}`] ?? 0 }]]
    }),
  )

const baselinesOf = (figures: Figures) =>
  Object.fromEntries(
    baselineNames.flatMap((name) => {
      const accuracy = figures[`baseline/${name}`]
      if (accuracy === undefined) return []
      return [[name, { accuracy, episodes: figures['baseline_n'] ?? 0 }]]
    }),
  )

/** Whatever the average is: a task that never succeeds is not learned. */
const alarmsOf = (
  { figures, settings }: Session,
  tasks: Readonly<Record<string, TaskStanding>>,
): readonly Alarm[] => {
  if ((figures['evaluated_at'] ?? 0) < patience * settings.episodes) return []
  return Object.entries(tasks).flatMap(([task, { accuracy, episodes }]): Alarm[] => {
    if (accuracy > 0 || episodes < leastEpisodes) return []
    const message = `Not one of ${episodes} validation episodes of ${task} succeeds`
    return [{ kind: 'dead_task', task, message }]
  })
}
