/** Passwords cost the same to check for users who exist and for those who do not. */
import { expect, spyOn, test } from 'bun:test'
import { createGate } from '../../src/kernel/gate.ts'
import { createPasswords } from '../../src/auth/passwords.ts'
import { cheapest, refusalOf } from './fixture.ts'

test("the default cost is OWASP's", async () => {
  const hash = await createPasswords().hash('correct horse')
  expect(hash).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$')
  expect(await createPasswords().verify('correct horse', hash)).toBe(true)
  expect(await createPasswords().verify('wrong horse', hash)).toBe(false)
})

test('one password typed as other code points is the same', async () => {
  const passwords = createPasswords(cheapest)
  const hash = await passwords.hash('caf\u00e9 noir')
  expect(await passwords.verify('cafe\u0301 noir', hash)).toBe(true)
})

test('without a hash the same work is done, in vain', async () => {
  const passwords = createPasswords({ memoryKiB: 64, passes: 3 })
  const hash = await passwords.hash('correct horse')
  const verify = spyOn(Bun.password, 'verify')
  try {
    expect(await passwords.verify('wrong', hash)).toBe(false)
    expect(await passwords.verify('wrong', null)).toBe(false)
    // Head and lengths fix the cost; only salt and digest differ.
    const shapes = verify.mock.calls.map(([, used]) =>
      String(used).replace(/[\w+/]+(?=\$?[\w+/]*$)/g, size),
    )
    expect(shapes[0]).toStartWith('$argon2id$v=19$m=64,t=3,p=1$')
    expect(shapes[1]).toBe(shapes[0] as string)
  } finally {
    verify.mockRestore()
  }
})

const size = (text: string): string => `(${text.length})`

test('the vain work takes the time of the real one', async () => {
  const passwords = createPasswords({ memoryKiB: 8 * 1024, passes: 1 })
  const hash = await passwords.hash('correct horse')
  const fastest = { known: Infinity, unknown: Infinity }
  const measure = async (which: keyof typeof fastest, against: string | null) => {
    const start = performance.now()
    await passwords.verify('wrong', against)
    fastest[which] = Math.min(fastest[which], performance.now() - start)
  }
  for (let n = 0; n < 10; n++) {
    await measure('known', hash)
    await measure('unknown', null)
  }
  expect(fastest.unknown).toBeGreaterThan(fastest.known / 3)
  expect(fastest.unknown).toBeLessThan(fastest.known * 3)
})

test('a hash of another cost is outdated', async () => {
  const old = await createPasswords(cheapest).hash('correct horse')
  const passwords = createPasswords({ memoryKiB: 8, passes: 2 })
  expect(passwords.isOutdated(old)).toBe(true)
  expect(passwords.isOutdated(await passwords.hash('correct horse'))).toBe(false)
})

test('a check is announced when its turn has come, and given up when that throws', async () => {
  const passwords = createPasswords(cheapest)
  const hash = await passwords.hash('correct horse')
  const stop = new Error('stop')
  const turn = () => {
    throw stop
  }
  await expect(passwords.verify('correct horse', hash, turn)).rejects.toBe(stop)
  expect(await passwords.verify('correct horse', hash)).toBe(true)
})

test('a gate lets some in at once, the others in order, nobody when the line is full', async () => {
  const gate = createGate(2, 2)
  const log: string[] = []
  const doors = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const works = doors.map(({ promise }, n) =>
    gate(async () => {
      log.push(`in ${n}`)
      await promise
      log.push(`out ${n}`)
      if (n === 1) throw new Error('failed')
    }).catch(() => log.push(`failed ${n}`)),
  )
  expect(await refusalOf(gate(async () => {}))).toEqual({
    code: 'unavailable',
    message: 'Too much of this at once; try again in a moment',
    headers: { 'Retry-After': '2' },
  })
  expect(log).toEqual(['in 0', 'in 1'])
  for (const n of [1, 0, 2, 3]) {
    doors[n]?.resolve()
    await works[n]
  }
  expect(log).toEqual([
    'in 0',
    'in 1',
    'out 1',
    'in 2',
    'failed 1',
    'out 0',
    'in 3',
    'out 2',
    'out 3',
  ])
})
