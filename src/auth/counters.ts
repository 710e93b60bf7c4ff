/** Counts callers in fixed windows, bounded in memory, and adds up with the other servers. */
import type { Budget, SharedCounter } from './limits.ts'

/** Callers remembered at once in each class; beyond, those silent for longest start anew. */
const maxCallers = 50_000

export interface Counters {
  /** One count per budget, of the windows that `now` lies in. */
  countsOf(caller: string, now: number): readonly Count[]
  /** Hands what was counted since the last time to the shared counter and takes its totals over. */
  reconcile(shared: SharedCounter): Promise<void>
}

/** @param sharing false: nothing is kept for a shared counter */
export const createCounters = (
  name: string,
  budgets: readonly Budget[],
  sharing: boolean,
): Counters => {
  /** Two generations: what is not asked for while the young one fills up is forgotten. */
  let young = new Map<string, readonly Count[]>()
  let old = new Map<string, readonly Count[]>()
  let unsent = new Set<Count>()
  const maxUnsent = sharing ? maxCallers * budgets.length : 0
  const onFirstUnsent = (count: Count): void => {
    if (unsent.size < maxUnsent) unsent.add(count)
  }

  const remember = (caller: string, counts: readonly Count[]): void => {
    if (young.size >= maxCallers / 2) {
      old = young
      young = new Map()
    }
    young.set(caller, counts)
  }

  const find = (caller: string): readonly Count[] => {
    const current = young.get(caller)
    if (current) return current
    const counts =
      old.get(caller) ??
      budgets.map(
        (budget) => new Count(`${name}:${caller}:${budget.windowMs}`, budget, onFirstUnsent),
      )
    remember(caller, counts)
    return counts
  }

  return {
    countsOf(caller, now) {
      const counts = find(caller)
      for (const count of counts) count.moveTo(now)
      return counts
    },
    async reconcile(shared) {
      const sending = unsent
      unsent = new Set()
      const results = await Promise.allSettled([...sending].map((count) => count.send(shared)))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
    },
  }
}

/** How often one caller came in the current window of one budget. */
export class Count {
  readonly limit: number
  /** When the window ends. */
  resetMs = 0
  readonly #key: string
  readonly #windowMs: number
  readonly #onFirstUnsent: (count: Count) => void
  #known = 0
  #unsent = 0

  constructor(key: string, budget: Budget, onFirstUnsent: (count: Count) => void) {
    this.limit = budget.limit
    this.#key = key
    this.#windowMs = budget.windowMs
    this.#onFirstUnsent = onFirstUnsent
  }

  used(): number {
    return this.#known + this.#unsent
  }

  add(): void {
    if (this.#unsent++ === 0) this.#onFirstUnsent(this)
  }

  moveTo(now: number): void {
    if (now < this.resetMs && now >= this.resetMs - this.#windowMs) return
    this.resetMs = (Math.floor(now / this.#windowMs) + 1) * this.#windowMs
    this.#known = 0
    this.#unsent = 0
  }

  /** Sent counts stay counted here also when the shared counter fails: local counting goes on. */
  async send(shared: SharedCounter): Promise<void> {
    const sent = this.#unsent
    const { resetMs } = this
    if (sent === 0) return
    this.#known += sent
    this.#unsent = 0
    const total = await shared.add(this.#key, resetMs - this.#windowMs, this.#windowMs, sent)
    if (this.resetMs === resetMs) this.#known = Math.max(this.#known, total)
  }
}
