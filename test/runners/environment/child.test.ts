/** A child that holds environments: asked without an event loop, and never trusted. */
import { afterEach, expect, test } from 'bun:test'
import { EnvironmentChild } from '../../../runners/environment/child.ts'
import { frameOf } from '../../../runners/environment/frames.ts'

const children: EnvironmentChild[] = []

const child = (...command: string[]): EnvironmentChild => {
  const made = new EnvironmentChild(command, 200)
  children.push(made)
  return made
}
/** Runs a program of JavaScript that has `frame(status, environment, text)` to answer with. */
const answering = (program: string) =>
  child(
    process.execPath,
    '-e',
    `const frame = (status, environment, text) => {
      const head = Buffer.alloc(12)
      head.writeUInt32LE(8 + Buffer.byteLength(text))
      head.writeUInt32LE(status, 4)
      head.writeUInt32LE(environment, 8)
      return Buffer.concat([head, Buffer.from(text)])
    }
    const put = (...parts) => require('fs').writeSync(1, Buffer.concat(parts))
    ${program}
    setTimeout(() => {}, 60_000)`,
  )

afterEach(() => {
  for (const one of children.splice(0)) one.end()
})

test('answers of other environments wait until they are asked for', () => {
  const one = answering(`put(frame(0, 2, 'two'), frame(0, 1, 'one')); put(frame(0, 1, 'again'))`)
  expect(one.hear(1, 5000).toString()).toBe('one')
  expect(one.hear(2, 5000).toString()).toBe('two')
  expect(one.hear(1, 5000).toString()).toBe('again')
})

test('an answer may be larger than what is read at once, and come in pieces', () => {
  const one = answering(`
    const whole = frame(0, 0, 'x'.repeat(300_000))
    for (let at = 0; at < whole.length; at += 60_000) put(whole.subarray(at, at + 60_000))`)
  expect(one.hear(0, 5000).toString()).toBe('x'.repeat(300_000))
})

test('its reason is told as it is', () => {
  expect(() => answering(`put(frame(1, 0, 'not today'))`).hear(0, 5000)).toThrow('not today')
})

test.each([
  ['one that is silent', ['sleep', '5'], 'is silent for 0.2 s'],
  ['one that leaves', ['sh', '-c', 'exit 3'], 'has ended with 3'],
  ['one that is killed', ['sh', '-c', 'kill -9 $$'], 'has ended, by SIGKILL'],
  [
    'one that talks',
    ['sh', '-c', 'echo some words of no meaning; sleep 5'],
    'answers with a frame',
  ],
])('%s is found out', (_, command, why) => {
  expect(() => child(...command).ask('reset', 0, new Uint8Array(8))).toThrow(why)
})

test('a child whose parent has closed it is gone, and is asked nothing any more', async () => {
  const one = child('sleep', '60')
  one.end()
  expect(() => one.ask('step', 0, new Uint8Array(4))).toThrow('have been closed')
  const path = `/proc/${one.pid}/stat`
  const isGone = async () =>
    /\) Z |^$/.test(
      await Bun.file(path)
        .text()
        .catch(() => ''),
    )
  for (let i = 0; i < 100 && !(await isGone()); i++) await Bun.sleep(10)
  expect(await isGone()).toBe(true)
})

test('frames are laid out as the program in Python reads them', () => {
  expect([...frameOf(3, 258, Uint8Array.of(9, 8))]).toEqual([
    ...[10, 0, 0, 0],
    ...[3, 0, 0, 0],
    ...[2, 1, 0, 0],
    ...[9, 8],
  ])
})
