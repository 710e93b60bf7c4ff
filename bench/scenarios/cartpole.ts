/**
 * Our side of CartPole, in a process of its own: `bun cartpole.ts SEED STEPS`, JSON in a line. With
 * `GOAL WINDOW` besides it ends once the mean of so many episodes reached the goal.
 */
import { cartpole } from '../../plugins/scenarios/environments/cartpole.ts'
import { ActorCritic } from '../../plugins/scenarios/learning/actor-critic.ts'
import { updatePpo } from '../../plugins/scenarios/learning/ppo.ts'
import { Collector, collectorFloats } from '../../plugins/scenarios/learning/rollout.ts'
import { mixed, Random } from '../../plugins/scenarios/random.ts'

/** As CleanRL's `ppo.py`. */
const settings = {
  gamma: 0.99,
  lambda: 0.95,
  epochs: 4,
  minibatches: 4,
  clip: 0.2,
  entropy: 0.01,
  valueWeight: 0.5,
  clipsValue: true,
  maxNorm: 0.5,
}
const learningRate = 2.5e-4
const environments = 4
const steps = 128

const [seed = 1, total = 500_000, goal = 475, window] = process.argv.slice(2).map(Number)
const episodes = window ?? 100
const size = (environments * steps) / settings.minibatches
const model = await ActorCritic.make(
  { observations: 4, actions: 2, hidden: [64, 64] },
  [environments, size],
  collectorFloats(steps, environments, 4) + size * 4 + 64,
)
model.initialise(new Random(mixed(seed, 1)))
const { kernel } = model
const acting = model.networks(environments)
const collector = new Collector({
  scenario: cartpole,
  environments,
  steps,
  seed,
  kernel,
  ...acting,
})
const workspace = { observations: kernel.take(size * 4), ...model.networks(size) }
const random = new Random(mixed(seed, 2))
const updates = Math.floor(total / (environments * steps))
let lengths: number[] = []
let hit: number | null = null
const begun = performance.now()
for (let update = 0; update < updates; update++) {
  if (window !== undefined && hit !== null) break
  const ended = collector.collect(settings.gamma)
  lengths = [...lengths, ...ended.map(({ length }) => length)].slice(-episodes)
  const rate = learningRate * (1 - update / updates)
  updatePpo(model, workspace, collector.batch, environments, settings, rate, random)
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length
  if (hit === null && lengths.length === episodes && mean >= goal) {
    hit = (update + 1) * environments * steps
  }
}
const stepsPerSecond = (updates * environments * steps) / ((performance.now() - begun) / 1000)
process.stdout.write(`${JSON.stringify({ hit, stepsPerSecond })}\n`)
