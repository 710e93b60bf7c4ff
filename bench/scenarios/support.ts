/** Customer support in a process of its own: how soon it is learned, and the simulator alone. */
import { scenarioOf } from '../../plugins/scenarios/catalogue.ts'
import { seedOf } from '../../plugins/scenarios/environment.ts'
import { Random } from '../../plugins/scenarios/random.ts'
import { Trainer } from '../../plugins/scenarios/training/trainer.ts'

const [seed = 1] = process.argv.slice(2).map(Number)
const known = (id: string) => {
  const scenario = scenarioOf(id)
  if (!scenario) throw new Error(`There is no scenario ${id}`)
  return scenario
}
const support = known('customer_support')

/** Steps a second of the environment alone, actions at random. */
const speedOf = (id: string): number => {
  const { spec, make } = known(id)
  const environment = make()
  const random = new Random(1)
  const observation = new Float32Array(spec.observations)
  let steps = 0
  const begun = performance.now()
  for (let n = 0; performance.now() - begun < 2000; n++) {
    environment.reset(seedOf('train', n), observation)
    for (let isOver = false; !isOver; steps++) {
      const { terminated, truncated } = environment.step(
        random.below(spec.actions.length),
        observation,
      )
      isOver = terminated || truncated
    }
  }
  return steps / ((performance.now() - begun) / 1000)
}

const settings = {
  scenario: 'customer_support',
  algorithm: 'bc+ppo',
  episodes: 20_000,
  learningRate: 0.001,
  seed,
} as const
const begun = performance.now()
const trainer = await Trainer.make(support, settings)
let reached: number | null = null
while (!trainer.isDone) {
  trainer.advance()
  if (reached !== null || trainer.updates % 10 > 0) continue
  const { successes, episodes, tasks } = trainer.evaluate('validation', 1000)
  const worst = Math.min(...Object.values(tasks).map((task) => task.successes / task.episodes))
  if (successes / episodes > 0.95 && worst > 0.9) reached = (performance.now() - begun) / 1000
}
const seconds = (performance.now() - begun) / 1000
const { successes, episodes, tasks } = trainer.evaluate('test', 5000)
const worst = Math.min(...Object.values(tasks).map((task) => task.successes / task.episodes))
const speeds = { customerSupport: speedOf('customer_support'), cartpole: speedOf('cartpole') }
const accuracy = (100 * successes) / episodes
process.stdout.write(
  `${JSON.stringify({ reached, seconds, accuracy, worst: 100 * worst, speeds })}\n`,
)
