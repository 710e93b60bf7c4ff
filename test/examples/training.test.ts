/** The example trainings lose nothing when their server is killed, nor does who watches them. */
import { expect } from 'bun:test'
import { join } from 'node:path'
import { run } from '../../scripts/command.ts'
import { callJson, type Hearth, signUp, startHearth } from '../../scripts/hearth.ts'
import { freePort, waitUntil } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { testWith } from '../faults/needs.ts'
import { type Point, subscribe } from './subscriber.ts'

const client = join(import.meta.dir, '../../sdk/python')
const provisioned = join(import.meta.dir, '../../.cache/test-venv/bin/python')
const python = process.env['HEARTH_TEST_PYTHON'] ?? provisioned
const timeoutMs = 240_000

interface Outcome {
  readonly exitCode: number
  readonly output: string
  readonly status: string
  readonly artifacts: string[]
  /** What the server has at the end, in order of id. */
  readonly stored: Point[]
  readonly seen: readonly Point[]
  readonly connections: number
  /** For each kill whether the script was still at work. */
  readonly amid: boolean[]
}

/** Kills the server when so many points were seen, for each of `kills`, amid the script. */
const train = async (
  [script, ...options]: readonly [string, ...string[]],
  kills: readonly number[],
): Promise<Outcome> => {
  await using folder = await temporaryFolder()
  const port = String(freePort())
  const env = { PORT: port, RATE_LIMITS: 'off' }
  const start = () => startHearth({ dataDir: join(folder.path, 'data'), env })
  let hearth: Hearth = await start()
  try {
    const token = await signUp(hearth.origin)
    const get = <T>(path: string) => callJson<T>(hearth.origin, token, 'GET', path)
    const training = run([python, join(client, 'examples', script), ...options], {
      cwd: folder.path,
      env: {
        HEARTH_DIR: join(folder.path, 'spool'),
        HEARTH_URL: hearth.origin,
        HEARTH_TOKEN: token,
        HEARTH_MODE: undefined,
        PYTHONPATH: client,
        PYTHONDONTWRITEBYTECODE: '1',
      },
    })
    await waitUntil('the run', async () => (await get<unknown[]>('/runs/')).length === 1)
    using watcher = subscribe(() => `${hearth.origin.replace('http', 'ws')}/ws/1`, token)
    let ended = false
    void training.finally(() => {
      ended = true
    })
    const amid: boolean[] = []
    await waitUntil('the watcher to connect', () => watcher.connections === 1)
    for (const points of kills) {
      await waitUntil('points to be seen', () => watcher.seen.length >= points)
      amid.push(!ended)
      await hearth.end('SIGKILL')
      hearth = await start()
    }
    const { exitCode, output } = await training
    const { status } = await get<{ status: string }>('/runs/1')
    const artifacts = await get<{ path: string }[]>('/runs/1/artifacts')
    const stored = await get<Point[]>('/metrics/1?limit=10000')
    await waitUntil('the watcher to be told', () => watcher.seen.length >= stored.length)
    return {
      exitCode,
      output,
      status,
      artifacts: artifacts.map(({ path }) => path),
      stored: stored.toSorted((a, b) => a.id - b.id),
      seen: watcher.seen,
      connections: watcher.connections,
      amid,
    }
  } finally {
    await hearth.end('SIGKILL')
  }
}

const stepsOf = (points: readonly Point[], name: string) =>
  points
    .filter((point) => point.name === name)
    .map(({ step }) => step)
    .sort((a, b) => a - b)

const count = (length: number, stepOf = (n: number) => n) =>
  Array.from({ length }, (_, n) => stepOf(n))

testWith('python')(
  'digits.py: two kills, every point once, each seen once',
  async () => {
    const epochs = 60
    const result = await train(['digits.py', '--epochs', String(epochs)], [1, 600])
    const perEpoch = Math.floor(1347 / 64)
    expect(result).toEqual({
      exitCode: 0,
      output: expect.stringMatching(
        /^(.*waits in the spool.*\n)?accuracy on held-out digits: 0\.9/,
      ),
      status: 'completed',
      artifacts: ['digits.pkl'],
      stored: expect.any(Array),
      seen: result.stored,
      connections: 3,
      amid: [true, expect.any(Boolean)],
    })
    expect(stepsOf(result.stored, 'train/loss')).toEqual(count(epochs * perEpoch))
    const ends = count(epochs, (epoch) => (epoch + 1) * perEpoch - 1)
    for (const name of ['epoch', 'test/accuracy', 'test/loss']) {
      expect(stepsOf(result.stored, name)).toEqual(ends)
    }
  },
  timeoutMs,
)

testWith('python')(
  'plain.py: killed as its run begins, every point once, each seen once',
  async () => {
    const result = await train(['plain.py'], [0])
    expect(result).toEqual({
      exitCode: 0,
      output: expect.any(String),
      status: 'completed',
      artifacts: [],
      stored: expect.any(Array),
      seen: result.stored,
      connections: 2,
      amid: [expect.any(Boolean)],
    })
    expect(stepsOf(result.stored, 'loss')).toEqual(count(100))
    expect(stepsOf(result.stored, 'weight')).toEqual(count(100))
  },
  timeoutMs,
)
