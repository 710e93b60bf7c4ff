/** What kept episodes come to: success, score and its parts, and how sure a player is of a seed. */
import { type Queries, sql } from '../../../src/sdk.ts'
import { wilson } from '../learning/evaluate.ts'
import { passHat } from './pass-hat.ts'
import { meansOf } from '../rubric.ts'
import { percent } from '../training/evaluation.ts'

/** Percentages, as everywhere in the document; shares in `rubric` and `pass_hat`. */
export interface Summary {
  readonly episodes: number
  readonly successes: number
  readonly accuracy: number
  /** Wilson's. */
  readonly ci95: readonly number[]
  readonly mean_reward: number
  readonly mean_score: number
  readonly rubric: Readonly<Record<string, number>>
  readonly tasks: Readonly<
    Record<string, { readonly episodes: number; readonly successes: number; accuracy: number }>
  >
  readonly seeds: number
  /** By k: that so many plays of a seed all succeed. */
  readonly pass_hat: Readonly<Record<string, number>>
}

interface Group {
  readonly task: string
  readonly plays: number
  readonly successes: number
  readonly reward: number
  readonly score: number
}

export const summaryOf = async (q: Queries, where: ReturnType<typeof sql>): Promise<Summary> => {
  const rows = await q.rows<Group>(sql`
    select split, episode, task, count(*) as plays, sum(success) as successes,
      sum(reward) as reward, sum(score) as score
    from scenarios_episode where ${where} group by split, episode, task`)
  const parts = await q.rows<{ components: string }>(sql`
    select components from scenarios_episode where ${where}`)
  // PostgreSQL's sums of whole numbers are texts.
  const groups = rows.map((one) => ({
    ...one,
    plays: Number(one.plays),
    successes: Number(one.successes),
  }))
  const sum = (of: (group: Group) => number, among = groups) =>
    among.reduce((total, group) => total + of(group), 0)
  const share = (among: typeof groups) => {
    const episodes = sum(({ plays }) => plays, among)
    const successes = sum((group) => group.successes, among)
    return { episodes, successes, accuracy: percent(successes, episodes) }
  }
  const all = share(groups)
  const { episodes, successes } = all
  const tasks = Map.groupBy(groups, ({ task }) => task)
  return {
    ...all,
    ci95: wilson(successes, episodes).map((one) => 100 * one),
    mean_reward: episodes === 0 ? 0 : sum(({ reward }) => reward) / episodes,
    mean_score: episodes === 0 ? 0 : sum(({ score }) => score) / episodes,
    rubric: meansOf(
      parts.map(({ components }) => JSON.parse(components) as Record<string, number>),
    ),
    tasks: Object.fromEntries([...tasks].map(([name, among]) => [name, share(among)])),
    seeds: groups.length,
    pass_hat: passHat(groups),
  }
}
