/** Episodes that agents played in a job, brought home: played again here, judged here, and kept. */
import { Value } from '@sinclair/typebox/value'
import { type Jobs, Type as t, type Who } from '../../../src/sdk.ts'
import type { Catalogue } from '../catalogue.ts'
import { splits } from '../environment.ts'
import { asKept, type ChatMessage, type Trajectory } from '../gateway/trajectory.ts'
import type { Recordings } from '../episodes/recordings.ts'
import type { Session } from '../sessions/session.ts'
import { replay } from '../episodes/replay.ts'

/** Where a training leaves those that agents played, in the work folder of its job. */
export const playedPath = 'harness-episodes.json'

const maxBytes = 32 * 2 ** 20

/** Of a trajectory, what cannot be found out by playing it again. */
const playedEpisodes = t.Array(
  t.Object({
    split: t.Union((Object.keys(splits) as (keyof typeof splits)[]).map((name) => t.Literal(name))),
    episode: t.Integer({ minimum: 0, maximum: 2 ** 40 - 1 }),
    steps: t.Array(t.Object({ action: t.Integer({ minimum: 0 }) }), { maxItems: 10_000 }),
    messages: t.Optional(t.Array(t.Object({ role: t.String({ maxLength: 100 }) }))),
  }),
  { maxItems: 10_000 },
)

export interface KeptEpisodesOptions {
  readonly jobs: Jobs
  readonly recordings: Recordings
  readonly catalogue: Catalogue
}

/** What the job says of rewards and verdicts is not looked at. `player`: the model that played. */
export const keepingPlayed =
  ({ jobs, recordings, catalogue }: KeptEpisodesOptions) =>
  async (owner: Who, { settings }: Session, player: string, jobId: string): Promise<void> => {
    const scenario = catalogue.find(settings.scenario)
    const left = await jobs.bytes.artifacts(owner, jobId)
    const file = left.find(({ path }) => path === playedPath)
    if (!scenario || !file || file.size > maxBytes) return
    const text = await new Response(await jobs.bytes.artifact(owner, jobId, playedPath)).text()
    await recordings.addOnce(owner, 'harness', player, () =>
      playedIn(text).map((one) => asKept(scenario, player, { ...one, ...replay(scenario, one) })),
    )
  }

interface Played {
  readonly split: Trajectory['split']
  readonly episode: number
  readonly steps: Trajectory['steps']
  readonly messages?: readonly ChatMessage[]
}

const playedIn = (text: string): readonly Played[] => {
  try {
    const value: unknown = JSON.parse(text)
    return Value.Check(playedEpisodes, value) ? (value as unknown as Played[]) : []
  } catch {
    return []
  }
}
