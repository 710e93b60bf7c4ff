/** Where the points of a series lie, roughly: what is outside has never been stored. */

/** Boxes kept for one series: enough for the ranks of a training that log far-apart steps. */
const MAX_BOXES = 32
/** Steps between two boxes that are not worth keeping apart. */
const NEAR_STEPS = 64
const FIELDS = 4

/** A rectangle of steps and times, bounds included. */
export interface Box {
  readonly minStep: number
  readonly maxStep: number
  readonly minTime: number
  readonly maxTime: number
}

/** The smallest box around points. */
export const boxOf = (
  steps: ArrayLike<number> | undefined,
  times: ArrayLike<number> | number,
  count: number,
): Box => {
  if (count === 1) {
    const step = steps ? (steps[0] as number) : 0
    const time = typeof times === 'number' ? times : (times[0] as number)
    return { minStep: step, maxStep: step, minTime: time, maxTime: time }
  }
  let minStep = steps ? Infinity : 0
  let maxStep = steps ? -Infinity : 0
  let minTime = typeof times === 'number' ? times : Infinity
  let maxTime = typeof times === 'number' ? times : -Infinity
  for (let i = 0; i < count; i++) {
    if (steps) {
      const step = steps[i] as number
      if (step < minStep) minStep = step
      if (step > maxStep) maxStep = step
    }
    if (typeof times === 'number') continue
    const time = times[i] as number
    if (time < minTime) minTime = time
    if (time > maxTime) maxTime = time
  }
  return { minStep, maxStep, minTime, maxTime }
}

export class Coverage {
  /** Packed: least and highest step, least and highest time of each box. */
  readonly #boxes: number[] = []

  holds(step: number, time: number): boolean {
    const boxes = this.#boxes
    for (let at = 0; at < boxes.length; at += FIELDS) {
      if (
        step <= (boxes[at + 1] as number) &&
        step >= (boxes[at] as number) &&
        time <= (boxes[at + 3] as number) &&
        time >= (boxes[at + 2] as number)
      ) {
        return true
      }
    }
    return false
  }

  meets({ minStep, maxStep, minTime, maxTime }: Box): boolean {
    const boxes = this.#boxes
    for (let at = 0; at < boxes.length; at += FIELDS) {
      if (
        minStep <= (boxes[at + 1] as number) &&
        maxStep >= (boxes[at] as number) &&
        minTime <= (boxes[at + 3] as number) &&
        maxTime >= (boxes[at + 2] as number)
      ) {
        return true
      }
    }
    return false
  }

  /** Widens the box that is nearest in steps, or begins one when all are far. */
  add({ minStep, maxStep, minTime, maxTime }: Box): void {
    const boxes = this.#boxes
    let nearest = -1
    let least = Infinity
    for (let at = 0; at < boxes.length; at += FIELDS) {
      const low = boxes[at] as number
      const high = boxes[at + 1] as number
      const gap = Math.max(0, minStep - high, low - maxStep)
      if (gap >= least) continue
      nearest = at
      least = gap
    }
    if (nearest >= 0) {
      const width = (boxes[nearest + 1] as number) - (boxes[nearest] as number)
      const isNear = least <= Math.max(NEAR_STEPS, width / 16, (maxStep - minStep) * 2)
      if (!isNear && boxes.length < MAX_BOXES * FIELDS) nearest = -1
    }
    if (nearest < 0) {
      boxes.push(minStep, maxStep, minTime, maxTime)
      return
    }
    if (minStep < (boxes[nearest] as number)) boxes[nearest] = minStep
    if (maxStep > (boxes[nearest + 1] as number)) boxes[nearest + 1] = maxStep
    if (minTime < (boxes[nearest + 2] as number)) boxes[nearest + 2] = minTime
    if (maxTime > (boxes[nearest + 3] as number)) boxes[nearest + 3] = maxTime
  }

  addPoint(step: number, time: number): void {
    if (!this.holds(step, time)) {
      this.add({ minStep: step, maxStep: step, minTime: time, maxTime: time })
    }
  }

  addAll(other: Coverage): void {
    const boxes = other.#boxes
    for (let at = 0; at < boxes.length; at += FIELDS) {
      this.add({
        minStep: boxes[at] as number,
        maxStep: boxes[at + 1] as number,
        minTime: boxes[at + 2] as number,
        maxTime: boxes[at + 3] as number,
      })
    }
  }
}
