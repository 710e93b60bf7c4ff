/** Kept episodes under the rules of today: what their verdicts would be now. */
import type { Scenario } from '../environment.ts'
import type { Trajectory } from '../gateway/trajectory.ts'
import type { Recording } from './recordings.ts'
import { replay } from './replay.ts'

export interface Change<T> {
  readonly kept: T
  readonly now: T
}

export interface Rescored {
  readonly n: number
  readonly episode: number
  /** Digests of the whole verdict. */
  readonly verdict_hash: Change<string>
  readonly success: Change<boolean>
  readonly reward: Change<number>
  readonly score: Change<number>
  /** Those that differ, by name; null: it is not there. */
  readonly components: Readonly<Record<string, Change<number | null>>>
  /** Why not all of its steps could be done again; null: they could. */
  readonly broken: string | null
}

export interface Rescoring {
  readonly scenario: { readonly id: string; readonly version: number }
  readonly checked: number
  readonly unchanged: number
  readonly changed: readonly Rescored[]
  readonly refused: readonly { readonly n: number; readonly reason: string }[]
}

/** Episodes of other versions are refused unless `anyVersion`: the rules were others then. */
export const rescore = async (
  scenario: Scenario,
  recordings: AsyncIterable<Recording> | Iterable<Recording>,
  anyVersion: boolean,
): Promise<Rescoring> => {
  const { id, version } = scenario.spec
  const refused: { n: number; reason: string }[] = []
  const changed: Rescored[] = []
  let unchanged = 0
  for await (const one of recordings) {
    const made = one.scenario.version
    if (made !== version && !anyVersion) {
      const reason = `It was played in version ${made} of ${id}, which is at ${version} now`
      refused.push({ n: one.n, reason })
      continue
    }
    const found = compared(scenario, one)
    if (found) changed.push(found)
    else unchanged++
  }
  const checked = unchanged + changed.length
  return { scenario: { id, version }, checked, unchanged, changed, refused }
}

/** null: nothing is different. */
const compared = (scenario: Scenario, one: Recording): Rescored | null => {
  const now = replay(scenario, one)
  const kept = { hash: verdictHash(one), score: one.rubric.score, reward: one.reward }
  const hash = verdictHash(now)
  const components = differing(one.rubric.components, now.rubric.components)
  const isSame =
    hash === kept.hash &&
    now.rubric.score === kept.score &&
    now.reward === kept.reward &&
    Object.keys(components).length === 0
  if (isSame && now.broken === null) return null
  return {
    n: one.n,
    episode: one.episode,
    verdict_hash: { kept: kept.hash, now: hash },
    success: { kept: one.verdict.success, now: now.verdict.success },
    reward: { kept: kept.reward, now: now.reward },
    score: { kept: kept.score, now: now.rubric.score },
    components,
    broken: now.broken,
  }
}

/** The same verdict has the same hash, whatever the order of its components. */
const verdictHash = ({ verdict }: Pick<Trajectory, 'verdict'>): string => {
  const { success, components, violations } = verdict
  const sorted = Object.entries(components).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const text = JSON.stringify([success, sorted, violations])
  return new Bun.CryptoHasher('sha256').update(text).digest('hex').slice(0, 16)
}

type Values = Readonly<Record<string, number>>

const differing = (kept: Values, now: Values): Record<string, Change<number | null>> => {
  const names = [...new Set([...Object.keys(kept), ...Object.keys(now)])]
  const changes = names.filter((name) => kept[name] !== now[name])
  return Object.fromEntries(
    changes.map((name) => [name, { kept: kept[name] ?? null, now: now[name] ?? null }]),
  )
}
