/** How programs end by themselves, for real: each as what it is, with all that it said. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { openRig, owner, type Rig } from './rig.ts'

setDefaultTimeout(60_000)

let rig: Rig

beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig?.[Symbol.asyncDispose]())

test('a program that ends well is a success, with what it printed and left', async () => {
  const { execTimeS, peakMemoryBytes, jobId, ...run } = await rig.run(
    "import os\nopen('working/a.txt', 'w').write('a')\nprint('out')\nos.system('echo shell')",
  )
  expect(run).toEqual({
    failure: null,
    message: null,
    exitCode: 0,
    signal: null,
    output: { head: 'out\nshell\n', tail: '', omittedBytes: 0, totalBytes: 10 },
    exception: null,
    artifacts: [{ path: 'working/a.txt', sha256: expect.any(String), sizeBytes: 1 }],
  })
  expect([jobId, execTimeS, peakMemoryBytes]).toEqual([
    expect.stringMatching(/./),
    expect.any(Number),
    expect.any(Number),
  ])
})

test('an exception is told with its place, by the name of its class', async () => {
  const run = await rig.run(
    "class NotFit(Exception): pass\ndef f():\n    raise NotFit('bad', 3)\nf()",
  )
  expect(run).toMatchObject({ failure: 'exception', exitCode: 1, message: "NotFit: ('bad', 3)" })
  expect(run.exception).toEqual({
    type: 'NotFit',
    message: "('bad', 3)",
    args: ['bad', '3'],
    stack: [
      ['solution.py', 4, '<module>', 'f()'],
      ['solution.py', 3, 'f', "raise NotFit('bad', 3)"],
    ],
  })
})

test('what is no Python is told with its line', async () => {
  const run = await rig.run('x = 1\nHere is the program:\n')
  expect(run).toMatchObject({ failure: 'exception', exitCode: 1 })
  expect(run.exception).toMatchObject({
    type: 'SyntaxError',
    stack: [['solution.py', 2, '', 'Here is the program:']],
  })
  expect(run.output.head).toContain('SyntaxError')
})

test.each([
  ['sys.exit(0)', null, 0, null],
  ['sys.exit(3)', 'exception', 3, 'The program ended with exit code 3'],
  ["sys.exit('no data')", 'exception', 1, 'The program ended with exit code 1'],
  ['os._exit(7)', 'exception', 7, 'The program ended with exit code 7'],
] as const)('%s ends with its code', async (code, failure, exitCode, message) => {
  const run = await rig.run(`import os, sys\n${code}`)
  expect(run).toMatchObject({ failure, exitCode, message, exception: null })
})

test('a signal that ends it is named', async () => {
  const ends = ['SIGKILL', 'SIGSEGV'].map(async (name) => {
    const { failure } = await rig.run(`import os, signal\nos.kill(os.getpid(), signal.${name})`)
    return failure
  })
  expect(await Promise.all(ends)).toEqual(['killed', 'killed'])
})

test('memory that Python itself cannot have is a failure of memory', async () => {
  const run = await rig.run("raise MemoryError('no more')")
  expect(run).toMatchObject({ failure: 'memory', message: 'no more', exitCode: 1 })
})

test('a program that fails runs once', async () => {
  const { jobId, failure } = await rig.run("print('again')\nraise ValueError('bad')")
  const { attempt, state } = await rig.jobs.get(owner, jobId ?? '')
  expect([failure, state, attempt]).toEqual(['exception', 'failed', 1])
})

test('the last of 200,000 lines is kept, and the whole of them by the job', async () => {
  const run = await rig.run("for i in range(200_000): print('line', i)\nprint('metric 0.5')")
  expect(run.failure).toBeNull()
  expect(run.output.tail.endsWith('line 199999\nmetric 0.5\n')).toBe(true)
  expect(run.output.head.startsWith('line 0\nline 1\n')).toBe(true)
  const lines = Array.from({ length: 200_000 }, (_, i) => `line ${i}\n`).join('')
  const log = await rig.jobs.bytes.read(owner, run.jobId ?? '', 'log')
  expect(new TextDecoder().decode(log) === `${lines}metric 0.5\n`).toBe(true)
})

test('bytes that are no text do no harm', async () => {
  const run = await rig.run(
    "import sys\nsys.stdout.buffer.write(b'caf\\xe9 \\x00 \\xc3\\xa9\\n')\nprint('\\ud83d')",
  )
  expect(run).toMatchObject({ failure: 'exception', exception: { type: 'UnicodeEncodeError' } })
  expect(run.output.head.startsWith('caf\uFFFD \0 é\n')).toBe(true)
})

test('one that leaves no predictions has none, and is no failure of its own', async () => {
  const run = await rig.run("open('elsewhere.csv', 'w').write('id,y')")
  expect(run).toMatchObject({ failure: null, artifacts: [] })
})
