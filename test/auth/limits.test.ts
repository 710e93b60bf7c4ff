/** Each caller has a budget, is told where it stands, and is refused beyond it. */
import { describe, expect, test } from 'bun:test'
import { addressKey, callerKey } from '../../src/auth/address.ts'
import {
  budgetsFrom,
  defaultBudgets,
  createLimits,
  type LimitsOptions,
  type SharedCounter,
} from '../../src/auth/limits.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import { handClock, hourMs, startMs } from './fixture.ts'

const minuteMs = 60_000
const budgets = {
  ...defaultBudgets,
  api: [
    { windowMs: minuteMs, limit: 3 },
    { windowMs: hourMs, limit: 5 },
  ],
  ingest: [{ windowMs: minuteMs, limit: 1000 }],
  login: [{ windowMs: minuteMs, limit: 1 }],
}

const limitsOn = (more: Partial<LimitsOptions> = {}) => {
  const clock = handClock()
  const limits = createLimits({ clock, log: silentLogger, enforced: true, budgets, ...more })
  const headers = (limit: number, remaining: number, resetMs: number) => ({
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String((startMs + resetMs) / 1000),
  })
  return { clock, limits, headers }
}

describe('one server', () => {
  test('counts down the tightest window, refuses, and starts anew with the next one', () => {
    const { clock, limits, headers } = limitsOn()
    const check = () => limits.check('user 1', 'api')
    clock.advance(15_000)
    expect(check()).toEqual({ allowed: true, headers: headers(3, 2, minuteMs) })
    check()
    expect(check()).toEqual({ allowed: true, headers: headers(3, 0, minuteMs) })
    const refused = { ...headers(3, 0, minuteMs), 'Retry-After': '45' }
    expect(check()).toEqual({ allowed: false, headers: refused })
    expect(check()).toEqual({ allowed: false, headers: refused })
    clock.advance(45_000)
    // Refused requests did not count: two of the hour's five are left.
    expect(check()).toEqual({ allowed: true, headers: headers(5, 1, hourMs) })
    expect(check()).toEqual({ allowed: true, headers: headers(5, 0, hourMs) })
    expect(check()).toEqual({
      allowed: false,
      headers: { ...headers(5, 0, hourMs), 'Retry-After': '3540' },
    })
    clock.advance(hourMs - minuteMs)
    expect(check()).toEqual({ allowed: true, headers: headers(3, 2, hourMs + minuteMs) })
  })

  test('callers and classes have budgets of their own', () => {
    const { limits } = limitsOn()
    expect(limits.check('user 1', 'login').allowed).toBe(true)
    expect(limits.check('user 1', 'login').allowed).toBe(false)
    expect(limits.check('user 2', 'login').allowed).toBe(true)
    expect(limits.check('user 1', 'api').allowed).toBe(true)
    expect(limits.check('user 1', 'ingest').allowed).toBe(true)
  })

  test('not enforced, it tells and never refuses', () => {
    const { limits, headers } = limitsOn({ enforced: false })
    limits.check('user 1', 'login')
    expect(limits.check('user 1', 'login')).toEqual({
      allowed: true,
      headers: headers(1, 0, minuteMs),
    })
  })

  test("has the document's limits for users, and room for training", () => {
    const clock = handClock()
    const limits = createLimits({ clock, log: silentLogger, enforced: true })
    const allowed = (kind: 'api' | 'ingest') => {
      let count = 0
      while (limits.check('user 1', kind).allowed) count++
      return count
    }
    expect([allowed('api'), allowed('ingest')]).toEqual([100, 12_000])
    let hour = 100
    for (let n = 0; n < 12; n++) {
      clock.advance(minuteMs)
      hour += allowed('api')
    }
    expect(hour).toBe(1000)
  })

  test('takes other budgets from the settings, class by class', () => {
    const { limits } = limitsOn({ budgets: budgetsFrom({ login: { perMinute: 2, perHour: 9 } }) })
    expect(limits.check('user 1', 'login').headers['X-RateLimit-Limit']).toBe('2')
    expect(limits.check('user 1', 'api').headers['X-RateLimit-Limit']).toBe('100')
  })

  test('remembers a bounded number of callers', () => {
    const { limits } = limitsOn()
    limits.check('user 1', 'login')
    for (let n = 0; n < 60_000; n++) limits.check(`address ${n}`, 'login')
    expect(limits.check('user 1', 'login').allowed).toBe(true)
    expect(limits.check('address 59999', 'login').allowed).toBe(false)
  })
})

describe('several servers', () => {
  /** Counts as Redis would, and can go away. */
  const counterInMemory = () => {
    const totals = new Map<string, number>()
    const state = { isGone: false, calls: 0 }
    const counter: SharedCounter = {
      async add(key, windowStartMs, windowMs, n) {
        state.calls++
        if (state.isGone) throw new Error('gone')
        const name = `${key} ${windowStartMs} ${windowMs}`
        totals.set(name, (totals.get(name) ?? 0) + n)
        return totals.get(name) as number
      },
    }
    return { counter, totals, state }
  }
  /** Lets the background work of a clock tick run to its end. */
  const settle = () => new Promise((resolve) => setImmediate(resolve))

  const pair = () => {
    const shared = counterInMemory()
    const a = limitsOn({ shared: shared.counter })
    const b = limitsOn({ shared: shared.counter })
    const tick = async () => {
      for (const { clock } of [a, b, a]) {
        clock.advance(0)
        await settle()
      }
    }
    return { ...shared, a: a.limits, b: b.limits, clocks: [a.clock, b.clock], tick }
  }

  test('add their counts up in the background', async () => {
    const { a, b, totals, tick } = pair()
    a.check('user 1', 'api')
    a.check('user 1', 'api')
    await tick()
    expect(Object.fromEntries(totals)).toEqual({
      [`api:user 1:${minuteMs} ${startMs} ${minuteMs}`]: 2,
      [`api:user 1:${hourMs} ${startMs} ${hourMs}`]: 2,
    })
    // b does not know yet what a counted: it learns with its own first count.
    expect(b.check('user 1', 'api').headers['X-RateLimit-Remaining']).toBe('2')
    await tick()
    expect(b.check('user 1', 'api').allowed).toBe(false)
  })

  test('ask nothing when nothing was counted', async () => {
    const { a, state, tick } = pair()
    a.check('user 1', 'login')
    await tick()
    await tick()
    expect(state.calls).toBe(1)
  })

  test('go on counting each by itself when the shared counter is gone', async () => {
    const { a, b, state, tick } = pair()
    state.isGone = true
    for (let n = 0; n < 3; n++) expect(a.check('user 1', 'api').allowed).toBe(true)
    await tick()
    expect(a.check('user 1', 'api').allowed).toBe(false)
    expect(b.check('user 1', 'api').allowed).toBe(true)
  })

  test('share again when it is back', async () => {
    const { a, b, state, clocks, tick } = pair()
    state.isGone = true
    a.check('user 1', 'api')
    await tick()
    state.isGone = false
    for (const clock of clocks) clock.advance(minuteMs)
    a.check('user 1', 'api')
    a.check('user 1', 'api')
    await tick()
    b.check('user 1', 'api')
    await tick()
    expect(b.check('user 1', 'api').allowed).toBe(false)
  })
})

test('callers are users when they proved to be, and addresses or their networks when not', () => {
  const who = { id: 7, username: 'ada', isSuperuser: false }
  expect([
    callerKey({ ...who, via: 'jwt' }, '10.0.0.1'),
    callerKey({ ...who, via: 'key' }, '10.0.0.1'),
    callerKey({ ...who, via: 'local' }, '10.0.0.1'),
    callerKey(null, '10.0.0.1'),
  ]).toEqual(['user 7', 'user 7', '10.0.0.1', '10.0.0.1'])
  expect(
    [
      '::1',
      '::ffff:10.0.0.1',
      '2001:DB8::1',
      '2001:db8:0:0:5::1',
      'fe80::1%eth0',
      '1:2:3:4:5:6:7:8',
    ].map(addressKey),
  ).toEqual([
    '0:0:0:0::/64',
    '10.0.0.1',
    '2001:db8:0:0::/64',
    '2001:db8:0:0::/64',
    'fe80:0:0:0::/64',
    '1:2:3:4::/64',
  ])
})
