/** The helper module of jobs' programs, under the oldest and the newest Python of the machine. */
import { describe, expect, test } from 'bun:test'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { programPath } from '../../../runners/python/program-path.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { findPythons } from '../../sdk/pythons.ts'
import { jobFolder } from './job-folder.ts'

const pythons = await findPythons()
const tested = pythons.filter((_, n) => n === 0 || n === pythons.length - 1)
const newest = pythons.at(-1)?.path ?? 'python3'

test('there is a Python to test with', () => {
  expect(pythons).not.toEqual([])
})

test.each(tested)('says what the server understands (Python $version)', async ({ path }) => {
  await using job = await jobFolder()
  const program = `
import hearth_job as job, os, pathlib
class Tensor:
    def item(self): return 2.5
job.metric("loss", 1, 3)
job.metric("loss", Tensor())
job.metric("loss", float("nan"), step=4)
job.metric("loss", float("-inf"))
job.progress(1, 4, "first")
job.progress(2)
job.message("größer")
job.message("careful", level="warning")
os.mkdir("out")
os.chdir("out")
job.artifact(pathlib.Path("model.onnx"))
job.checkpoint(os.path.abspath("../model.ckpt"), step=7)
print(job.resumed_from(), job.should_pause())
`
  const ended = await job.run([path, '-W', 'error', '-c', program])
  expect(ended).toEqual({ exitCode: 0, signal: null, stdout: 'None False\n', stderr: '' })
  expect(await job.events()).toEqual([
    { type: 'metric', name: 'loss', value: 1, step: 3 },
    { type: 'metric', name: 'loss', value: 2.5 },
    { type: 'metric', name: 'loss', value: Number.NaN, step: 4 },
    { type: 'metric', name: 'loss', value: Number.NEGATIVE_INFINITY },
    { type: 'progress', done: 1, total: 4, message: 'first' },
    { type: 'progress', done: 2, total: null, message: null },
    { type: 'message', text: 'größer', level: 'info' },
    { type: 'message', text: 'careful', level: 'warning' },
    { type: 'artifact', path: 'out/model.onnx' },
    { type: 'checkpoint', path: 'model.ckpt', step: 7 },
  ])
})

test('outside of a job it does nothing', async () => {
  await using job = await jobFolder()
  const program = [
    'import hearth_job as job',
    'job.metric("loss", 1); job.artifact("x"); job.checkpoint("x")',
    'print(job.should_pause(), job.resumed_from())',
  ].join('\n')
  const nowhere = { HEARTH_EVENTS: '', HEARTH_CONTROL: '' }
  expect(await job.run([newest, '-c', program], nowhere)).toEqual({
    exitCode: 0,
    signal: null,
    stdout: 'False None\n',
    stderr: '',
  })
  expect(await readdir(job.path('work'))).toEqual([])
})

test('events that cannot be written warn once and end nothing', async () => {
  await using job = await jobFolder()
  const program = 'import hearth_job as job\nfor n in range(9): job.metric("loss", n)\nprint("on")'
  const ended = await job.run([newest, '-c', program], { HEARTH_EVENTS: '/dev/full' })
  expect(ended).toMatchObject({ exitCode: 0, stdout: 'on\n' })
  expect(ended.stderr.match(/No space left on device/g)).toHaveLength(1)
})

test('lines of several processes stay whole', async () => {
  await using job = await jobFolder()
  const program = `
import hearth_job as job, os
job.message("before the fork")
for worker in range(4):
    if os.fork() == 0:
        for n in range(500):
            job.message(str(worker) * 200)
        os._exit(0)
for _ in range(4): os.wait()
`
  expect(await job.run([newest, '-c', program])).toMatchObject({ exitCode: 0, stderr: '' })
  const texts = (await job.events()).map((event) => (event as { text?: string }).text ?? event)
  const wanted = [0, 1, 2, 3].flatMap((n) => Array<string>(500).fill(String(n).repeat(200)))
  expect(texts.toSorted()).toEqual([...wanted, 'before the fork'])
})

describe('SIGTERM', () => {
  const program = (asks: string) => `
import hearth_job as job, time
${asks}
try:
    print("ready", flush=True)
    for n in range(3000):
        if job._listening and job.should_pause():
            print("pausing")
            break
        time.sleep(0.01)
finally:
    print("tidied")
`

  test.each([
    [
      'pause',
      'job.should_pause()',
      { exitCode: 0, signal: null, stdout: 'ready\npausing\ntidied\n' },
    ],
    [
      'pause',
      'job.resumed_from()',
      { exitCode: 0, signal: null, stdout: 'ready\npausing\ntidied\n' },
    ],
    ['pause', '', { signal: 'SIGTERM', stdout: 'ready\n' }],
    ['cancel', 'job.should_pause()', { exitCode: 143, signal: null, stdout: 'ready\ntidied\n' }],
    ['cancel', '', { signal: 'SIGTERM', stdout: 'ready\n' }],
  ] as const)('for a %s, after %p', async (wish, asks, wanted) => {
    await using job = await jobFolder()
    const running = job.start([newest, '-c', program(asks)])
    await running.said('ready')
    await running.ask(wish)
    expect(await running.ended()).toMatchObject(wanted)
  })
})

test('the module lies in a folder of its version, made once, read-only', async () => {
  await using node = await temporaryFolder()
  const folders = await Promise.all([programPath(node.path), programPath(node.path)])
  const [folder = ''] = folders
  expect(folders).toEqual([folder, folder])
  expect(await readdir(folder)).toEqual(
    expect.arrayContaining(['hearth_job.py', 'hearth_step.py', 'torch_ppo.py', 'llm_grpo.py']),
  )
  const before = await lstat(join(folder, 'hearth_job.py'))
  expect(before.mode & 0o777).toBe(0o444)
  await programPath(node.path)
  expect((await lstat(join(folder, 'hearth_job.py'))).ino).toBe(before.ino)
  const source = join(import.meta.dir, '../../../runners/python/hearth_job.py')
  expect(await readFile(join(folder, 'hearth_job.py'), 'utf8')).toBe(await readFile(source, 'utf8'))
})
