/** How fast a training goes, by its last seconds: what is behind it was another kind of work. */

interface Point {
  readonly ms: number
  readonly episodes: number
  readonly steps: number
}

const windowMs = 15_000

export class Pace {
  #points: readonly Point[] = []

  /** Points of curves; `eta_s` only once it is known how fast it goes. */
  at(ms: number, episodes: number, steps: number, total: number): Readonly<Record<string, number>> {
    const recent = this.#points.filter((point) => ms - point.ms <= windowMs)
    this.#points = [...recent, { ms, episodes, steps }]
    const first = this.#points[0]
    if (!first || first.ms === ms) return {}
    const seconds = (ms - first.ms) / 1000
    const episodesPerSecond = (episodes - first.episodes) / seconds
    return {
      steps_per_s: (steps - first.steps) / seconds,
      ...(episodesPerSecond > 0 && { eta_s: (total - episodes) / episodesPerSecond }),
    }
  }
}
