/** Truth and predictions in one order, as the metrics take them. */

/**
 * `truth[i]` is a number, a class (its place among all classes), or a relevance; `predicted` is as
 * long, but for probabilities, of which every row has `classes`, one after the other. For ranking,
 * `groups` names the query of each row by number.
 */
export interface Aligned {
  readonly truth: Float64Array
  readonly predicted: Float64Array
  /** Number of classes; 0 outside of classification. */
  readonly classes: number
  readonly groups: Int32Array | null
}

/** A score, or why there is none. */
export type Scored = number | string

/** The rows at `indices`, a row as often as it is named. */
export const take = (from: Aligned, indices: Int32Array): Aligned => {
  const { truth, predicted, classes, groups } = from
  const width = truth.length === 0 ? 1 : predicted.length / truth.length
  const out = {
    truth: new Float64Array(indices.length),
    predicted: new Float64Array(indices.length * width),
    classes,
    groups: groups ? new Int32Array(indices.length) : null,
  }
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!
    out.truth[i] = truth[row]!
    for (let c = 0; c < width; c++) out.predicted[i * width + c] = predicted[row * width + c]!
    if (groups && out.groups) out.groups[i] = groups[row]!
  }
  return out
}
