/** What programs do wrong, done for real: each ends as what it is, and takes nothing with it. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openRig, type Rig } from './rig.ts'

let rig: Rig

beforeAll(async () => {
  process.env['OPENAI_API_KEY'] = 'very-secret'
  rig = await openRig()
}, 60_000)
afterAll(async () => {
  delete process.env['OPENAI_API_KEY']
  await rig?.[Symbol.asyncDispose]()
})

test('a program that ends well is a success, with what it printed and left', async () => {
  const run = await rig.run(
    "import os\nopen('working/a.txt', 'w').write('a')\nprint('out')\nos.system('echo shell')",
  )
  expect(run).toMatchObject({
    failure: null,
    exitCode: 0,
    output: { head: 'out\nshell\n' },
    exception: null,
    artifacts: [{ path: 'working/a.txt', sizeBytes: 1 }],
  })
}, 30_000)

test('an exception is told with its place', async () => {
  const run = await rig.run("def f():\n    raise ValueError('bad', 3)\nf()")
  expect(run).toMatchObject({ failure: 'exception', exitCode: 1 })
  expect(run.exception).toEqual({
    type: 'ValueError',
    message: "('bad', 3)",
    args: ['bad', '3'],
    stack: [
      ['solution.py', 3, '<module>', 'f()'],
      ['solution.py', 2, 'f', "raise ValueError('bad', 3)"],
    ],
  })
}, 30_000)

test('one that SIGKILL ends was killed', async () => {
  const run = await rig.run('import os\nos.kill(os.getpid(), 9)')
  expect(run.failure).toBe('killed')
}, 30_000)

test('one that ignores being told to end is ended within two seconds', async () => {
  const code = [
    'import signal, time',
    'for one in (signal.SIGINT, signal.SIGTERM): signal.signal(one, signal.SIG_IGN)',
    'while True: time.sleep(1)',
  ]
  const run = await rig.run(code.join('\n'), { timeoutMs: 1_500 })
  expect(run.failure).toBe('timeout')
  expect(run.execTimeS).toBeLessThan(3.5)
}, 30_000)

test('the last of 200,000 lines is kept', async () => {
  const run = await rig.run("for i in range(200_000): print('line', i)\nprint('metric 0.5')")
  expect(run.failure).toBeNull()
  expect(run.output.tail.endsWith('metric 0.5\n')).toBe(true)
  expect(run.output.head.startsWith('line 0\n')).toBe(true)
}, 30_000)

test('keys of the server cannot be read', async () => {
  const run = await rig.run("import os\nprint(os.environ.get('OPENAI_API_KEY'))")
  expect(run.output.head).toBe('None\n')
}, 30_000)
