/** How sure a player that draws its actions is of a task: pass^k (tau-bench, Yao et al. 2024). */

/**
 * The chance that `k` plays of one task all succeed, for each k from 1 to `most`: the mean over
 * tasks of C(successes, k) / C(plays, k). Tasks that were played fewer than k times are left out;
 * a k that none was played often enough for is not there.
 */
export const passHat = (
  tasks: readonly { readonly plays: number; readonly successes: number }[],
  most = 8,
): Record<string, number> => {
  const found: Record<string, number> = {}
  for (let k = 1; k <= most; k++) {
    const often = tasks.filter(({ plays }) => plays >= k)
    if (often.length === 0) break
    const sum = often.reduce((total, { plays, successes }) => total + share(plays, successes, k), 0)
    found[k] = sum / often.length
  }
  return found
}

/** C(successes, k) / C(plays, k), without the large numbers. */
const share = (plays: number, successes: number, k: number): number => {
  let product = 1
  for (let i = 0; i < k; i++) product *= Math.max(0, successes - i) / (plays - i)
  return product
}
