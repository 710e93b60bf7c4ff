/** No harness outlives the training that began it, however that ends: nobody else watches. */
import { describe, expect } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { waitUntil } from '../../../../scripts/port.ts'
import { temporaryFolder } from '../../../../scripts/temporary.ts'
import { testWith } from '../../../faults/needs.ts'
import { harnessPythons } from '../../../python/harnesses.ts'

const root = join(import.meta.dir, '../../../..')

/** Its only one. */
const childOf = (pid: number): number | null => {
  const found = Bun.spawnSync(['pgrep', '-P', String(pid)])
    .stdout.toString()
    .trim()
  return found === '' ? null : Number(found.split('\n')[0])
}

const isThere = async (pid: number): Promise<boolean> => {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => '')
  return stat !== '' && !/\) [ZX] /.test(stat)
}

describe.each([
  ['LangChain', process.env['PATH'], testWith()],
  ['AutoGen', dirname(harnessPythons.AutoGen), testWith('harnesses')],
  ['CrewAI', dirname(harnessPythons.CrewAI), testWith('harnesses')],
])('%s', (framework, path, test) => {
  test('is gone once its training was killed', async () => {
    await using folder = await temporaryFolder()
    const settings = {
      scenario: 'customer_support',
      algorithm: 'ppo',
      episodes: 1_000_000,
      learningRate: 0.001,
      seed: 1,
    }
    const events = join(folder.path, 'events')
    const training = Bun.spawn([process.execPath, join(root, 'src/main.ts'), 'train'], {
      cwd: folder.path,
      env: {
        HOME: folder.path,
        PATH: path,
        PYTHONPATH: join(root, 'runners/python'),
        HEARTH_TRAINING: JSON.stringify(settings),
        HEARTH_FRAMEWORK: framework,
        HEARTH_EVENTS: events,
      },
      stderr: 'ignore',
    })
    try {
      // It has played, so all that it asks of the kernel has been asked.
      const told = () => readFile(events, 'utf8').catch(() => '')
      const played = async () => (await told()).includes('"harness_accuracy"')
      await waitUntil('agents playing', played, 60_000)
      const harness = childOf(training.pid)
      if (harness === null) throw new Error('There is no harness')
      training.kill('SIGKILL')
      await training.exited
      await waitUntil('its harness to go', async () => !(await isThere(harness)), 10_000)
      expect(await isThere(harness)).toBe(false)
    } finally {
      training.kill('SIGKILL')
    }
  }, 90_000)
})
