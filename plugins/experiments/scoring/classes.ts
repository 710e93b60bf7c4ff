/** The classes of a target, and what a program may call them after reading and writing them. */
import { canonical, numberIn } from '../data/cell.ts'

/** More different labels than this are no classes. */
export const maxClasses = 1000

/** In the order that numpy and scikit-learn give them: by number, or else by text. */
export const classesOf = (labels: Iterable<string>): string[] => {
  const classes = [...new Set(Array.from(labels, canonical))]
  const areNumbers = classes.every((label) => !Number.isNaN(numberIn(label)))
  return areNumbers
    ? classes.sort((a, b) => Number(a) - Number(b))
    : classes.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/** Finds the class that a text means: its place, or -1. */
export const classFinder = (classes: readonly string[]): ((label: string) => number) => {
  const places = new Map(classes.map((label, place) => [label, place]))
  const folded = new Map<string, number>()
  classes.forEach((label, place) => {
    const key = label.toLowerCase()
    // Two classes that differ in case only are told apart by it.
    folded.set(key, folded.has(key) ? -1 : place)
  })
  const words = [...folded.keys()]
  if (words.length === 2 && words.every((word) => word === 'true' || word === 'false')) {
    places.set('0', folded.get('false')!).set('1', folded.get('true')!)
  }
  return (label) => {
    const key = canonical(label)
    return places.get(key) ?? folded.get(key.toLowerCase()) ?? -1
  }
}
