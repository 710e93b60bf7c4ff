/** Runs the Python client's own tests under the Pythons found, and trainings against a server. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { run } from '../../scripts/command.ts'
import { callJson, type Hearth, signUp, startHearth } from '../../scripts/hearth.ts'
import { freePort, waitUntil } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { findPythons } from './pythons.ts'

const client = join(import.meta.dir, '../../sdk/python')
const pythons = await findPythons()
const newest = pythons.at(-1)?.path ?? 'python3'
// Each takes some ten seconds of processor time; those between the ends rarely tell more.
const every = process.env['HEARTH_TEST_PYTHONS'] === 'all'
const tested = pythons.filter((_, n) => every || n === 0 || n === pythons.length - 1)
const timeoutMs = 240_000
const folder = await temporaryFolder()
const port = freePort()
const env = { PORT: String(port), AUTH: 'open', RATE_LIMITS: 'off' }
const start = () => startHearth({ dataDir: join(folder.path, 'data'), env })
let hearth: Hearth
let token: string

beforeAll(async () => {
  hearth = await start()
  token = await signUp(hearth.origin)
}, timeoutMs)

afterAll(async () => {
  await hearth.end()
  await folder[Symbol.asyncDispose]()
}, timeoutMs)

const environment = (home: string) => ({
  HEARTH_DIR: join(folder.path, home),
  HEARTH_URL: hearth.origin,
  HEARTH_TOKEN: token,
  HEARTH_MODE: undefined,
  PYTHONPATH: client,
  PYTHONDONTWRITEBYTECODE: '1',
})

const lossOf = async (project: string): Promise<number[]> => {
  const call = <T>(path: string) => callJson<T>(hearth.origin, token, 'GET', path)
  const projects = await call<{ id: number; name: string }[]>('/projects/?limit=1000')
  const id = projects.find(({ name }) => name === project)?.id
  if (id === undefined) return []
  const runs = await call<{ id: number }[]>(`/runs/?project_id=${id}`)
  expect(runs.length).toBeLessThanOrEqual(1)
  if (runs.length === 0) return []
  const points = await call<{ value: number; step: number }[]>(
    `/metrics/${runs[0]?.id}?metric_name=loss&limit=10000`,
  )
  return points.toSorted((a, b) => a.step - b.step).map(({ value }) => value)
}

test('there is a Python to test with', () => {
  expect(pythons).not.toEqual([])
})

test.concurrent.each(tested)(
  'its own tests pass under Python $version',
  async ({ path }) => {
    const { exitCode, output } = await run(
      [path, '-W', 'ignore', '-m', 'unittest', 'discover', '-t', '.', '-s', 'tests'],
      {
        cwd: client,
        env: { PYTHONDONTWRITEBYTECODE: '1', HEARTH_TEST_URL: `http://127.0.0.1:${port}` },
      },
    )
    expect(output).toEndWith('OK\n')
    expect(exitCode).toBe(0)
  },
  timeoutMs,
)

test(
  'the ten-line example logs its hundred steps',
  async () => {
    const result = await run([newest, join(client, 'examples/plain.py')], {
      env: environment('plain'),
    })
    expect(result).toEqual({ exitCode: 0, output: '' })
    expect(await lossOf('examples')).toHaveLength(100)
  },
  timeoutMs,
)

test(
  'a training outlives a server that is killed and started again, and every point arrives once',
  async () => {
    const program = [
      'import hearth, time',
      'with hearth.init(project="outlives", console=False, system=False) as run:',
      '    for step in range(6000):',
      '        run.log({"loss": float(step)}, step=step)',
      '        time.sleep(0.0005)',
    ].join('\n')
    const training = run([newest, '-c', program], { env: environment('outlives') })
    for (const enough of [500, 2000]) {
      await waitUntil('points to arrive', async () => (await lossOf('outlives')).length > enough)
      await hearth.end('SIGKILL')
      hearth = await start()
    }
    const { exitCode, output } = await training
    expect(exitCode).toBe(0)
    expect(output.split('\n').filter((line) => line !== '').length).toBeLessThanOrEqual(1)
    expect(await lossOf('outlives')).toEqual(Array.from({ length: 6000 }, (_, step) => step))
  },
  timeoutMs,
)
