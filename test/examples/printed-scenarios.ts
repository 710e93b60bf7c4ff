/** What the examples about scenarios must do. */
import { expect } from 'bun:test'
import type { Example } from './printed.ts'

export const trainsWithAgents: Example = async (bench, text) => {
  expect(await bench.python(text)).toBe(
    'completed after 200 episodes\n50 by agents, 2000 by itself\n',
  )
}

export const trainsInGymnasium: Example = async (bench, text) => {
  expect(await bench.python(text)).toBe('4 numbers, 475 wanted\naction_1\n')
}
