/** Kept episodes that a training learns from: chosen, played again, handed to its job. */
import { HearthError, type Jobs, type Who } from '../../../src/sdk.ts'
import type { Catalogue } from '../catalogue.ts'
import type { Scenario } from '../environment.ts'
import type { Performance } from '../learning/clone.ts'
import type { Recordings } from '../episodes/recordings.ts'
import { replay } from '../episodes/replay.ts'
import { type AlgorithmName, type RecordedFile, shownOf } from '../training/settings.ts'

/** Fewer teach nothing that holds on other seeds. */
export const fewestEpisodes = 20
const mostEpisodes = 5_000
/** Other requests have their turn after so many. */
const slice = 100

export class Teachings {
  readonly #recordings: Recordings
  readonly #jobs: Jobs
  readonly #catalogue: Catalogue

  constructor(catalogue: Catalogue, recordings: Recordings, jobs: Jobs) {
    this.#catalogue = catalogue
    this.#recordings = recordings
    this.#jobs = jobs
  }

  /**
   * The newest that still succeed when they are played again, one of each seed, of the train split.
   * @throws HearthError `conflict` when there are too few, or they cannot be played here
   */
  async take(
    who: Who,
    scenario: Scenario,
    algorithm: AlgorithmName,
    episodes: number,
  ): Promise<RecordedFile> {
    const { id } = scenario.spec
    if (!this.#catalogue.find(id)) {
      throw new HearthError('conflict', `Episodes of ${id} are played by jobs only`)
    }
    const most = Math.max(fewestEpisodes, shownOf(algorithm, episodes, mostEpisodes))
    const kept = await this.#recordings.successes(who, scenario.spec, most)
    const performances: Performance[] = []
    for (const [i, one] of kept.entries()) {
      if (i % slice === slice - 1) await new Promise((resolve) => setImmediate(resolve))
      const { verdict, broken } = replay(scenario, one)
      if (broken !== null || !verdict.success) continue
      performances.push({ episode: one.episode, actions: one.steps.map(({ action }) => action) })
    }
    const count = performances.length
    if (count < fewestEpisodes) {
      const message =
        `${count} of your episodes of ${id} can be learned from, ${fewestEpisodes} are needed: ` +
        'of the train split, successful, of this version, each of another seed'
      throw new HearthError('conflict', message)
    }
    const bytes = new TextEncoder().encode(JSON.stringify(performances))
    const { sha256, sizeBytes } = await this.#jobs.bytes.addInput(who, bytes)
    return { sha256, sizeBytes, episodes: count }
  }
}
