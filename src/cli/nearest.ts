/** Finds the word that somebody probably meant. */

/** The closest of `words`, or undefined when none is close. */
export const nearest = (word: string, words: Iterable<string>): string | undefined => {
  let best: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of words) {
    const isBeginning = word.length >= 2 && candidate.startsWith(word)
    const distance = isBeginning ? 0.5 : editDistance(word, candidate)
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one to the other. */
export const editDistance = (from: string, to: string): number => {
  let before: number[] = []
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1
      let least = Math.min(
        (above[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (above[column - 1] as number) + cost,
      )
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (row > 1 && column > 1 && isSwap) {
        least = Math.min(least, (before[column - 2] as number) + 1)
      }
      current.push(least)
    }
    before = above
    above = current
  }
  return above[to.length] as number
}
