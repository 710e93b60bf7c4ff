/** Metrics of predicted classes, all of them counted from one table of confusions. */
import type { Aligned, Scored } from './aligned.ts'

interface Confusion {
  readonly rows: number
  readonly classes: number
  /** `at(t, p)`: how many of class `t` were said to be `p`. */
  at(truth: number, predicted: number): number
  readonly truths: Float64Array
  readonly guesses: Float64Array
}

const confusionOf = ({ truth, predicted, classes }: Aligned): Confusion => {
  const counts = new Float64Array(classes * classes)
  const truths = new Float64Array(classes)
  const guesses = new Float64Array(classes)
  for (let i = 0; i < truth.length; i++) {
    counts[truth[i]! * classes + predicted[i]!]! += 1
    truths[truth[i]!]! += 1
    guesses[predicted[i]!]! += 1
  }
  const at = (t: number, p: number) => counts[t * classes + p]!
  return { rows: truth.length, classes, at, truths, guesses }
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

type OfClass = (confusion: Confusion, c: number) => number

const precisionOf: OfClass = ({ at, guesses }, c) => ratio(at(c, c), guesses[c]!)
const recallOf: OfClass = ({ at, truths }, c) => ratio(at(c, c), truths[c]!)
const f1Of: OfClass = ({ at, truths, guesses }, c) => ratio(2 * at(c, c), truths[c]! + guesses[c]!)

/** Of the second of two classes: the positive one. */
const ofPositive = (of: OfClass) => (rows: Aligned) => of(confusionOf(rows), 1)

/** Mean over the classes that occur, in truth or among the predictions. */
const macro = (of: OfClass) => (rows: Aligned) => {
  const confusion = confusionOf(rows)
  let sum = 0
  let met = 0
  for (let c = 0; c < confusion.classes; c++) {
    if (confusion.truths[c]! + confusion.guesses[c]! === 0) continue
    sum += of(confusion, c)
    met++
  }
  return sum / met
}

export const accuracy = ({ truth, predicted }: Aligned): number => {
  let right = 0
  for (let i = 0; i < truth.length; i++) if (truth[i] === predicted[i]) right++
  return right / truth.length
}

/** Mean recall of the classes that occur in truth. */
export const balancedAccuracy = (rows: Aligned): number => {
  const confusion = confusionOf(rows)
  let sum = 0
  let met = 0
  for (let c = 0; c < confusion.classes; c++) {
    if (confusion.truths[c] === 0) continue
    sum += recallOf(confusion, c)
    met++
  }
  return sum / met
}

export const f1 = ofPositive(f1Of)
export const precision = ofPositive(precisionOf)
export const recall = ofPositive(recallOf)
export const f1Macro = macro(f1Of)
export const precisionMacro = macro(precisionOf)
export const recallMacro = macro(recallOf)

export const f1Weighted = (rows: Aligned): number => {
  const confusion = confusionOf(rows)
  let sum = 0
  for (let c = 0; c < confusion.classes; c++) sum += f1Of(confusion, c) * confusion.truths[c]!
  return sum / confusion.rows
}

/** Matthews' correlation for any number of classes; 0 when either side is constant. */
export const mcc = (rows: Aligned): number => {
  const { at, truths, guesses, classes, rows: n } = confusionOf(rows)
  let right = 0
  let both = 0
  let ofTruth = 0
  let ofGuess = 0
  for (let c = 0; c < classes; c++) {
    right += at(c, c)
    both += truths[c]! * guesses[c]!
    ofTruth += truths[c]! ** 2
    ofGuess += guesses[c]! ** 2
  }
  const scale = (n * n - ofGuess) * (n * n - ofTruth)
  return scale === 0 ? 0 : (right * n - both) / Math.sqrt(scale)
}

/** Agreement beyond chance; `weigh` says how bad it is to confuse one class with another. */
const kappa =
  (weigh: (t: number, p: number) => number) =>
  (rows: Aligned): Scored => {
    const { at, truths, guesses, classes, rows: n } = confusionOf(rows)
    let seen = 0
    let expected = 0
    for (let t = 0; t < classes; t++) {
      for (let p = 0; p < classes; p++) {
        const weight = weigh(t, p)
        if (weight === 0) continue
        seen += weight * at(t, p)
        expected += (weight * truths[t]! * guesses[p]!) / n
      }
    }
    return expected === 0 ? 'truth and predictions are one and the same class' : 1 - seen / expected
  }

export const cohenKappa = kappa((t, p) => (t === p ? 0 : 1))
export const quadraticWeightedKappa = kappa((t, p) => (t - p) ** 2)
