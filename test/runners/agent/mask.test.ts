/** Secrets are hidden alike however the bytes are cut, and wherever reading goes on. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMask } from '../../../runners/agent/mask.ts'
import { MaskedFile } from '../../../runners/agent/masked-file.ts'

const hide = (secrets: string[], text: string) => createMask(secrets).text(text)

test.each([
  ['plain', ['hunter22'], 'pw hunter22!', 'pw ********!'],
  ['twice', ['abcabc'], 'abcabcabc.', '*********.'],
  ['json', ['a"b\\c\nd'], JSON.stringify({ s: 'a"b\\c\nd' }), `{"s":"${'*'.repeat(10)}"}`],
  ['json of python', ['päss-word'], '"p\\u00e4ss-word"', `"${'*'.repeat(14)}"`],
  ['uri', ['a b/c+d'], '?q=a%20b%2Fc%2Bd&', '?q=*************&'],
  ['form', ['a b/c+d'], '?q=a+b%2Fc%2Bd&', '?q=***********&'],
  ['hex', ['hunter22'], Buffer.from('hunter22').toString('hex'), '*'.repeat(16)],
  ['a line of many', ['-----BEGIN\nMIIEvQIBADAN\n-----'], '> MIIEvQIBADAN', '> ************'],
  ['with a line end', ['hunter22\n'], 'hunter22', '********'],
  ['too short to be one', ['abc'], 'abc', 'abc'],
  ['none', [], 'text', 'text'],
])('%s', (_, secrets, text, expected) => {
  expect(hide(secrets, text)).toBe(expected)
})

test.each([0, 1, 2])('Base64 with %i bytes before it shows nothing of it', (shift) => {
  const secret = 'correct horse battery staple'
  const bytes = Buffer.concat([Buffer.alloc(shift, 7), Buffer.from(secret), Buffer.from('tail')])
  for (const alphabet of ['base64', 'base64url'] as const) {
    const masked = hide([secret], bytes.toString(alphabet))
    expect(masked).toHaveLength(bytes.toString(alphabet).length)
    expect(masked.match(/\*+/)?.[0].length).toBeGreaterThanOrEqual(36)
  }
})

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearth-mask-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Deterministic, so that a failure can be run again. */
const randomOf = (seed: number) => {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** The definition itself, byte by byte: hidden is what some occurrence covers. */
const expectedOf = (text: string, patterns: readonly string[]): string => {
  const hidden = [...text]
  for (let at = 0; at < text.length; at++) {
    for (const pattern of patterns) {
      if (text.startsWith(pattern, at)) hidden.fill('*', at, at + pattern.length)
    }
  }
  return hidden.join('')
}

test('any growth, any chunks and any point to go on from give the same bytes', async () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = randomOf(seed)
    // Few letters, so that secrets begin, overlap and break off everywhere.
    const word = (length: number) => Array.from({ length }, () => 'ab'[random(2)]).join('')
    const secrets = [word(4 + random(3)), word(5 + random(8))]
    const text = word(60 + random(200))
    const path = join(folder, `log-${seed}`)
    const file = new MaskedFile(path, createMask(secrets))
    const expected = expectedOf(text, secrets)
    let written = 0
    let sent = ''
    writeFileSync(path, '')
    while (written < text.length) {
      const grow = 1 + random(20)
      appendFileSync(path, text.slice(written, written + grow))
      written = Math.min(text.length, written + grow)
      // The server may have lost the end of what it had.
      if (random(6) === 0) sent = sent.slice(0, random(sent.length + 1))
      sent += Buffer.from(await file.read(sent.length, 1 + random(30), false)).toString()
      expect(expected.startsWith(sent)).toBe(true)
    }
    while (sent.length < text.length) {
      sent += Buffer.from(await file.read(sent.length, 1 + random(30), true)).toString()
    }
    const sha256 = new Bun.CryptoHasher('sha256').update(expected).digest('hex')
    expect([seed, sent, await file.digest()]).toEqual([seed, expected, sha256])
    await file.close()
  }
})

test('only what may begin a secret is held back', async () => {
  const path = join(folder, 'growing')
  const file = new MaskedFile(path, createMask(['secret-number-one']))
  const read = async () => Buffer.from(await file.read(0, 100, false)).toString()
  expect(await read()).toBe('')
  writeFileSync(path, 'step 1\n')
  expect(await read()).toBe('step 1\n')
  appendFileSync(path, 'it is secret-num')
  expect(await read()).toBe('step 1\nit is ')
  appendFileSync(path, 'ber-one!')
  expect(await read()).toBe('step 1\nit is *****************!')
  await file.close()
})
