/** Ten thousand schedules of the protocol: what is promised of jobs holds in each of them. */
import { expect, test } from 'bun:test'
import { runProtocol } from './protocol-schedule.ts'

test('what is promised holds in ten thousand random schedules of the protocol', () => {
  const from = Number(process.env.SIM_SEED ?? 1)
  let attempts = 0
  for (let seed = from; seed < from + 10_000; seed++) {
    try {
      attempts += runProtocol(seed).attempts
    } catch (error) {
      const replay = `replay: SIM_SEED=${seed} bun test test/sim/protocol.test.ts`
      throw new Error(`seed ${seed}: ${(error as Error).message}; ${replay}`, { cause: error })
    }
  }
  expect(attempts).toBeGreaterThan(10_000)
}, 300_000)
