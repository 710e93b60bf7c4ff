/** Guessing gets slower and slower; mistyping, and neighbours, cost nothing. */
import { beforeEach, expect, test } from 'bun:test'
import { type Attempts, createAttempts } from '../../src/auth/attempts.ts'
import { type HandClock, handClock, hourMs, refusalOf } from './fixture.ts'

let clock: HandClock
let attempts: Attempts
beforeEach(() => {
  clock = handClock()
  attempts = createAttempts(clock)
})

const fail = (count: number, username = 'ada', ip = '10.0.0.1') => {
  for (let n = 0; n < count; n++) attempts.begin(username, ip)
}

/** Seconds that the next login has to wait; 0 when it may go ahead. */
const wait = async (username = 'ada', ip = '10.0.0.1'): Promise<number> => {
  const refusal = await refusalOf(() => attempts.check(username, ip))
  return 'headers' in refusal ? Number(refusal.headers['Retry-After']) : 0
}

test('after five failures each one doubles the wait, up to a quarter of an hour', async () => {
  fail(4)
  expect(await wait()).toBe(0)
  const waits: number[] = []
  for (let n = 0; n < 13; n++) {
    fail(1)
    const seconds = await wait()
    waits.push(seconds)
    clock.advance(seconds * 1000)
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900])
})

test('the refusal says what to do, and a refused attempt does not count', async () => {
  fail(5)
  clock.advance(1000)
  fail(1)
  const refusal = {
    code: 'rate_limited',
    message: 'Too many failed logins; try again in 2 seconds',
    headers: { 'Retry-After': '2' },
  }
  for (let n = 0; n < 3; n++) {
    expect(await refusalOf(() => attempts.begin('ada', '10.0.0.1'))).toEqual(refusal)
  }
  clock.advance(2000)
  expect(await wait()).toBe(0)
})

test('the right password clears the user, but not what the address tried elsewhere', async () => {
  fail(4)
  attempts.begin('ada', '10.0.0.1').succeeded()
  fail(4)
  expect(await wait()).toBe(0)
  for (let n = 0; n < 12; n++) fail(1, `user${n}`)
  expect(await wait('fresh')).toBe(1)
})

test('a success leaves the address as it was before', async () => {
  for (let n = 0; n < 22; n++) {
    fail(1, `user${n}`)
    clock.advance((await wait('ada')) * 1000)
  }
  attempts.begin('ada', '10.0.0.1').succeeded()
  expect(await wait('ada')).toBe(0)
})

test('users at other addresses, and of one /64 alike, are told apart as they should', async () => {
  fail(5)
  expect(await wait('ada', '10.0.0.2')).toBe(0)
  expect(await wait('bob', '10.0.0.1')).toBe(0)
  fail(5, 'ada', '2001:db8:1:2::1')
  expect(await wait('ada', '2001:db8:1:2:ffff::9')).toBe(1)
  expect(await wait('ada', '2001:db8:1:3::1')).toBe(0)
})

test('failures are forgotten after an hour of quiet', async () => {
  fail(5)
  clock.advance(hourMs)
  expect(await wait()).toBe(0)
  fail(4)
  expect(await wait()).toBe(0)
})
