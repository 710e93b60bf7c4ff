/** Finds columns that give the target away: equal to it, or naming it one to one. */
import { canonical } from '../data/cell.ts'

/** A column with more different values than this is no copy of classes under other names. */
const maxNames = 200

export interface Twins {
  add(row: readonly string[]): void
  /** Names of the columns, and how they stand to the target. */
  found(): { readonly column: string; readonly isEqual: boolean }[]
}

export const targetTwins = (columns: readonly string[], target: number): Twins => {
  const isEqual = columns.map((_, index) => index !== target)
  const there = columns.map((_, index) => (index === target ? null : new Map<string, string>()))
  const back = columns.map(() => new Map<string, string>())
  const targets = new Set<string>()
  let rows = 0

  const check = (index: number, value: string, wanted: string): void => {
    if (isEqual[index] && value !== wanted) isEqual[index] = false
    const names = there[index]
    if (!names) return
    const known = names.get(value)
    const named = back[index]!.get(wanted)
    if (known === undefined && named === undefined && names.size < maxNames) {
      names.set(value, wanted)
      back[index]!.set(wanted, value)
    } else if (known !== wanted || named !== value) there[index] = null
  }

  return {
    add(row) {
      rows++
      const wanted = canonical(row[target]!)
      if (targets.size <= maxNames) targets.add(wanted)
      for (let index = 0; index < columns.length; index++) {
        if (isEqual[index] || there[index]) check(index, canonical(row[index]!), wanted)
      }
    },
    found: () =>
      columns.flatMap((column, index) => {
        if (index === target || rows < 10 || targets.size < 2) return []
        // A target whose values hardly repeat is named one to one by every id.
        const isNamed = there[index] !== null && targets.size <= rows / 5
        return isEqual[index] || isNamed ? [{ column, isEqual: isEqual[index]! }] : []
      }),
  }
}
