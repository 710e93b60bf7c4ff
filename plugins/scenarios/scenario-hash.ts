/** A fingerprint of what a scenario does: two that differ in it must not be compared. */
import { type Scenario, seedOf } from './environment.ts'
import { baselines } from './learning/evaluate.ts'
import { Random } from './random.ts'

const episodes = 4
const maxSteps = 64

const known = new WeakMap<Scenario, string>()

/** sha256 of its description and of the beginnings of a few episodes that dice play. */
export const scenarioHash = (scenario: Scenario): string => {
  const found = scenario.hash ?? known.get(scenario)
  if (found !== undefined) return found
  const hasher = new Bun.CryptoHasher('sha256').update(JSON.stringify(scenario.spec))
  // What is from outside is played in jobs only: how it is come by stands for what it does.
  if (scenario.source) hasher.update(JSON.stringify(scenario.source))
  else for (let n = 0; n < episodes; n++) addEpisode(hasher, scenario, n)
  const hash = hasher.digest('hex')
  known.set(scenario, hash)
  return hash
}

const addEpisode = (hasher: Bun.CryptoHasher, { spec, make }: Scenario, n: number): void => {
  const environment = make()
  const random = new Random(n)
  const seen = new Float32Array(spec.observations)
  environment.reset(seedOf('train', n), seen)
  hasher.update(seen)
  for (let steps = 0; steps < maxSteps; steps++) {
    const action = baselines.random(seen, environment, random)
    const { reward, terminated, truncated } = environment.step(action, seen)
    hasher.update(seen).update(`${action} ${reward} ${terminated} ${truncated}`)
    if (terminated || truncated) break
  }
  hasher.update(JSON.stringify(environment.verdict()))
}
