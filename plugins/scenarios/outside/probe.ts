/** Finds out by playing what an environment from outside does not say of itself. */
import { type Environment, seedOf } from '../environment.ts'
import { Random } from '../random.ts'
import type { Described } from './definition.ts'

const episodes = 3
/** Into an episode, at most; then it is saved and gone on with for as many. */
const steps = 200

type Saving = Described['saving']

export interface Probed {
  readonly saving: Saving
  readonly stepUs: number
}

/** `open` makes an environment that is saved in the given way. Reports its steps' time too. */
export const probe = (open: (saving: Saving) => Environment, observations: number): Probed => {
  let stepUs = Number.POSITIVE_INFINITY
  const isKept = (saving: Saving): boolean => {
    const environment = open(saving)
    const begun = performance.now()
    const played = Array.from({ length: episodes }, (_, n) => play(environment, n, observations))
    const count = played.reduce((sum, { told }) => sum + told.length, 0)
    stepUs = Math.min(stepUs, (1000 * (performance.now() - begun)) / Math.max(1, count))
    const same = played.every((one) => isSame(environment, one, observations))
    environment.close?.()
    return same
  }
  const saving = (['replay', 'state'] as const).find(isKept) ?? 'none'
  return { saving, stepUs: Math.round(stepUs) }
}

interface Played {
  readonly saved: unknown
  readonly actions: readonly number[]
  /** What came after it was saved. */
  readonly told: readonly string[]
}

/** A few steps, saved, and a few steps more. */
const play = (environment: Environment, n: number, observations: number): Played => {
  const random = new Random(n)
  const seen = new Float32Array(observations)
  environment.reset(seedOf('train', n), seen)
  let saved = environment.save()
  const before = random.below(steps)
  let actions: number[] = []
  let told: string[] = []
  for (let i = 0; i < before + steps; i++) {
    const action = random.below(environment.actions)
    const { reward, terminated, truncated } = environment.step(action, seen)
    actions.push(action)
    told.push(JSON.stringify([reward, terminated, truncated, ...seen]))
    if (terminated || truncated) break
    if (i !== before) continue
    saved = environment.save()
    actions = []
    told = []
  }
  return { saved, actions, told }
}

/** Whether it goes on as it did. */
const isSame = (environment: Environment, played: Played, observations: number): boolean => {
  const seen = new Float32Array(observations)
  environment.load(played.saved)
  return played.actions.every((action, i) => {
    const { reward, terminated, truncated } = environment.step(action, seen)
    return JSON.stringify([reward, terminated, truncated, ...seen]) === played.told[i]
  })
}
