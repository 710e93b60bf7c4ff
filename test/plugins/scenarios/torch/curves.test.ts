/** PPO here learns CartPole as soon as PPO by torch and Gymnasium, with the settings of CleanRL. */
import { expect } from 'bun:test'
import { join } from 'node:path'
import { must } from '../../../../scripts/command.ts'
import { testWith } from '../../../faults/needs.ts'
import { torchPython } from '../../../python/torch.ts'

const bench = join(import.meta.dir, '../../../../bench/scenarios')
const seeds = [1, 2, 3, 4, 5]
/** Of the last 20 episodes, on the way to the whole 500 steps. */
const [goal, window] = [150, 20]

/** Steps until the goal, of all the runs that were printed. */
const hitsIn = (printed: string): number[] =>
  printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => (JSON.parse(line) as { hit: number | null }).hit ?? Number.POSITIVE_INFINITY)

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

testWith('torch')(
  'medians of five seeds lie within a quarter',
  async () => {
    const each = (call: string) =>
      `import peers\nfor seed in ${JSON.stringify(seeds)}:\n    ${call}`
    const program = each(`peers.torch_ppo(seed, 100_000, ${goal}, ${window})`)
    const theirs = hitsIn(await must([torchPython, '-c', program], { cwd: bench }))
    const ours: number[] = []
    for (const seed of seeds) {
      const args = [seed, 100_000, goal, window].map(String)
      ours.push(...hitsIn(await must([process.execPath, join(bench, 'cartpole.ts'), ...args])))
    }
    expect([ours.length, theirs.length]).toEqual([seeds.length, seeds.length])
    const ratio = median(ours) / median(theirs)
    expect(ratio).toBeGreaterThan(0.75)
    expect(ratio).toBeLessThan(1.25)
  },
  180_000,
)
