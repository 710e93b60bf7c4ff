/** A training written down: everything that the rest of it depends on, and whose it is. */
import type { ShareState } from '../harness/share.ts'
import type { ActorCriticState } from '../learning/actor-critic.ts'
import type { RandomState } from '../random.ts'
import type { LearnerState } from './learner.ts'
import type { TrainingSettings } from './settings.ts'

export interface TrainerState {
  readonly model: ActorCriticState
  readonly learner: LearnerState
  readonly random: RandomState
  readonly cloned: number
  readonly episodes: number
  readonly steps: number
  readonly updates: number
  readonly rewards: readonly number[]
  readonly entropies: readonly number[]
  readonly loss: number
}

export interface Checkpoint {
  readonly settings: TrainingSettings
  readonly state: TrainerState
  /** What it was made by: another one may add up in another way. */
  readonly runtime: string
  /** Of training, pauses left out. */
  readonly elapsedMs: number
  /** What agents of a framework played of it. */
  readonly share?: ShareState
  /** Why it cannot go on; absent: it can. */
  readonly failure?: string
}

const format = 2

/** Engines may differ in `Math.exp` and its kin, versions in the order of sums. */
export const runtime = `bun ${Bun.version} ${process.arch}`

const encode = (values: Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')

const decode = (text: string): Float32Array => {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'))
  return new Float32Array(bytes.buffer)
}

/** The same state has the same digest: weights, optimiser, random numbers, environments. */
export const digestOf = (state: TrainerState): string =>
  new Bun.CryptoHasher('sha256').update(JSON.stringify(plain(state))).digest('hex')

const plain = ({ model, ...rest }: TrainerState) => ({
  ...rest,
  model: {
    parameters: encode(model.parameters),
    m: encode(model.m),
    v: encode(model.v),
    steps: model.steps,
  },
})

export const writeCheckpoint = ({ state, ...rest }: Checkpoint): string =>
  JSON.stringify({ format, digest: digestOf(state), ...rest, state: plain(state) })

/** @throws Error what is wrong with it, in words */
export const readCheckpoint = (text: string): Checkpoint => {
  const {
    format: written,
    digest,
    state,
    ...rest
  } = JSON.parse(text) as Omit<Checkpoint, 'state'> & {
    format: number
    digest: string
    state: ReturnType<typeof plain>
  }
  if (written !== format) throw new Error(`The checkpoint is of format ${written}, not ${format}`)
  const { parameters, m, v, steps } = state.model
  const model = { parameters: decode(parameters), m: decode(m), v: decode(v), steps }
  const whole: TrainerState = { ...state, model }
  if (digestOf(whole) !== digest) throw new Error('The checkpoint is damaged')
  return { ...rest, state: whole }
}
