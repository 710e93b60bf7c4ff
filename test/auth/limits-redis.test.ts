/** Limits that two servers share over a real Redis. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createLimits, type Limits, type SharedCounter } from '../../src/auth/limits.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import { type Bus, redisBus } from '../../src/live/bus.ts'
import { handClock, hourMs } from './fixture.ts'

const url = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379'
const prefix = `test-${crypto.randomUUID()}:`
const buses: Bus[] = []

beforeAll(async () => {
  for (let n = 0; n < 2; n++) buses.push(await redisBus(url, silentLogger, prefix))
})
afterAll(() => Promise.all(buses.map((bus) => bus.close())))

test('what one server counted counts on the other', async () => {
  // The coming hour, in whose first minute both windows begin at the same time.
  const clock = handClock(Math.ceil(Date.now() / hourMs) * hourMs)
  const sent: Promise<number>[] = []
  const [a, b] = buses.map(({ counter }) => {
    if (!counter) throw new Error('Redis counts nothing')
    const shared: SharedCounter = {
      add(...counts) {
        const total = counter.add(...counts)
        sent.push(total)
        return total
      },
    }
    return createLimits({ clock, log: silentLogger, enforced: true, shared })
  }) as [Limits, Limits]
  const reconcile = async () => {
    clock.advance(1)
    await Promise.all(sent.splice(0))
  }

  for (let n = 0; n < 40; n++) a.check('user 1', 'api')
  await reconcile()
  expect(b.check('user 1', 'api').headers['X-RateLimit-Remaining']).toBe('99')
  await reconcile()
  expect(b.check('user 1', 'api').headers['X-RateLimit-Remaining']).toBe('58')
  while (a.check('user 1', 'api').allowed);
  await reconcile()
  expect(b.check('user 1', 'api').allowed).toBe(true)
  await reconcile()
  expect(b.check('user 1', 'api').allowed).toBe(false)
  expect(b.check('user 2', 'api').allowed).toBe(true)
  a.stop()
  b.stop()
})
