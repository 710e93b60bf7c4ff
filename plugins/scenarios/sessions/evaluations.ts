/** How good a training is, when asked: its model if it has ended, its checkpoint if paused. */
import { type Database, HearthError, type Jobs, type Who } from '../../../src/sdk.ts'
import type { Catalogue } from '../catalogue.ts'
import type { Scenario, Split } from '../environment.ts'
import { type Choose, evaluate, type Result, wilson } from '../learning/evaluate.ts'
import type { Registry } from '../models/registry.ts'
import { type Session, visibleSession } from './session.ts'
import { readCheckpoint } from '../training/checkpoint.ts'
import { percent } from '../training/evaluation.ts'
import { algorithms } from '../training/algorithms.ts'
import { checkpointPath } from '../training/program.ts'
import { Trainer } from '../training/trainer.ts'

/** Other requests have their turn after so many episodes. */
const slice = 25

export interface EvaluationsOptions {
  readonly db: Database
  readonly jobs: Jobs
  readonly catalogue: Catalogue
  readonly registry: Registry
}

export class Evaluations {
  readonly #options: EvaluationsOptions

  constructor(options: EvaluationsOptions) {
    this.#options = options
  }

  /** @throws HearthError `conflict` while it runs, or where it cannot be played here */
  async of(who: Who, id: string, split: Split, episodes: number) {
    const { db, catalogue } = this.#options
    const session = await visibleSession(db, who, id)
    const scenario = catalogue.find(session.settings.scenario)
    if (!scenario) {
      throw new HearthError('conflict', `${session.settings.scenario} is played on nodes only`)
    }
    const play = await this.#player(who, session, scenario)
    const found: Result[] = []
    for (let first = 0; first < episodes; first += slice) {
      found.push(play({ split, first, episodes: Math.min(slice, episodes - first) }))
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { session_id: session.id, split, ...evaluationView(found, session.episode) }
  }

  async #player(who: Who, session: Session, scenario: Scenario): Promise<Player> {
    const { jobs, registry } = this.#options
    const { algorithm } = session.settings
    if (algorithms[algorithm].learns === 'language') {
      const why = `Language models are played by their own jobs only, not here: ${algorithm}`
      throw new HearthError('conflict', why)
    }
    if (session.modelId !== null) {
      const policy = await registry.policy(await registry.get(who, session.modelId))
      const choose: Choose = (seen, environment) => policy.act(seen, environment.mask()).action
      return (part) => evaluate(choose, { scenario, ...part })
    }
    if (session.status === 'completed') {
      throw new HearthError('conflict', 'The training has no model that could be evaluated')
    }
    if (session.status !== 'paused' || session.jobId === null) {
      const why = `Only what is paused or completed can be evaluated; it is ${session.status}`
      throw new HearthError('conflict', why)
    }
    if (algorithm === 'torch-ppo') {
      const why = 'A checkpoint of torch is read by its own job only: resume it, or stop it first'
      throw new HearthError('conflict', why)
    }
    const left = await jobs.bytes.artifacts(who, session.jobId)
    if (!left.some(({ path }) => path === checkpointPath)) {
      throw new HearthError('conflict', 'It was paused before it had learned anything')
    }
    const bytes = await jobs.bytes.artifact(who, session.jobId, checkpointPath)
    const { settings, state } = readCheckpoint(await new Response(bytes).text())
    const trainer = await Trainer.make(scenario, settings)
    trainer.state = state
    return ({ split, episodes, first }) => trainer.evaluate(split, episodes, first)
  }
}

interface Part {
  readonly split: Split
  readonly episodes: number
  readonly first: number
}
type Player = (part: Part) => Result

const evaluationView = (parts: readonly Result[], episode: number) => {
  const sum = (of: (part: Result) => number) => parts.reduce((total, part) => total + of(part), 0)
  const episodes = sum((part) => part.episodes)
  const successes = sum((part) => part.successes)
  const names = Object.keys(parts[0]?.tasks ?? {})
  const tasks = names.map((name) => {
    const played = sum((part) => part.tasks[name]?.episodes ?? 0)
    const won = sum((part) => part.tasks[name]?.successes ?? 0)
    return [name, { episodes: played, successes: won, accuracy: percent(won, played) }] as const
  })
  const score = (name: string) =>
    sum((part) => (part.rubric?.[name] ?? 0) * part.episodes) / episodes
  const seen = tasks.filter(([, task]) => task.episodes > 0)
  const worst = seen.toSorted(([, a], [, b]) => a.accuracy - b.accuracy)[0]
  return {
    episodes,
    successes,
    accuracy: percent(successes, episodes),
    ci95: wilson(successes, episodes).map((share) => 100 * share),
    mean_reward: sum((part) => part.meanReward * part.episodes) / episodes,
    mean_length: sum((part) => part.meanLength * part.episodes) / episodes,
    tasks: Object.fromEntries(tasks),
    rubric: Object.fromEntries(
      Object.keys(parts[0]?.rubric ?? {}).map((name) => [name, score(name)]),
    ),
    worst_task: worst?.[0] ?? null,
    evaluated_at_episode: episode,
  }
}
