/** CartPole is Gymnasium's: 200 transitions that Gymnasium computed, number by number. */
import { expect, test } from 'bun:test'
import { cartpole } from '../../../../plugins/scenarios/environments/cartpole.ts'

const text = await Bun.file(`${import.meta.dir}/cartpole-gymnasium.csv`).text()
const transitions = text
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const numbers = line.split(',').map(Number)
    const [action = -1, reward, isEnd] = [4, 9, 10].map((column) => numbers[column])
    const terminated = isEnd === 1
    return { before: numbers.slice(0, 4), action, after: numbers.slice(5, 9), reward, terminated }
  })

test('every transition is the same', () => {
  expect(transitions).toHaveLength(200)
  // Ends are among them, or nothing would be said about the limits.
  expect(transitions.filter(({ terminated }) => terminated).length).toBeGreaterThan(5)
  const environment = cartpole.make()
  const seen = new Float32Array(4)
  for (const { before, action, after, reward, terminated } of transitions) {
    environment.load([...before, 0, false])
    const step = environment.step(action, seen)
    expect<unknown>(step).toEqual({ reward, terminated, truncated: false })
    const saved = environment.save() as readonly number[]
    for (const [i, value] of after.entries()) expect(saved[i]).toBeCloseTo(value, 12)
    expect(seen).toEqual(Float32Array.from(saved.slice(0, 4)))
  }
})

test('after 500 steps it is cut off', () => {
  const environment = cartpole.make()
  const seen = new Float32Array(4)
  environment.load([0, 0, 0, 0, 499, false])
  expect(environment.step(0, seen)).toEqual({ reward: 1, terminated: false, truncated: true })
})
