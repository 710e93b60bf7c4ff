/** A training on a node in another network, its cable pulled, both sides killed: nothing shows. */
import { expect } from 'bun:test'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { waitUntil } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { testWith } from '../faults/needs.ts'
import { FarNode, type Watched } from './far-node.ts'
import { makeNamespace, type Namespace } from './namespace.ts'

const root = join(import.meta.dir, '../..')
const python = process.env['HEARTH_TEST_PYTHON'] ?? join(root, '.cache/test-venv/bin/python')
const epochs = 60
const options = ['--epochs', `${epochs}`]

/** The training at a pace that leaves time for all that happens to it, however fast the machine. */
const paced = `
import builtins, runpy, time

say = builtins.print

def say_and_rest(*words, **how):
    say(*words, **how)
    time.sleep(0.4)

builtins.print = say_and_rest
runpy.run_path("train_digits.py", run_name="__main__")
`

const copyScript = (folder: string): string => {
  mkdirSync(folder)
  cpSync(join(root, 'runners/python/examples/train_digits.py'), join(folder, 'train_digits.py'))
  writeFileSync(join(folder, 'paced.py'), paced)
  return folder
}

/** What the training prints, and leaves, when nothing happens to it. */
const undisturbed = async (folder: string) => {
  const env = { PYTHONPATH: join(root, 'runners/python'), PYTHONDONTWRITEBYTECODE: '1' }
  const output = await must([python, 'train_digits.py', ...options], { cwd: folder, env })
  return { output, model: readFileSync(join(folder, 'out/digits.npz')) }
}

/** Everything that can happen to a far node, while its program goes on and somebody watches. */
const disturb = async (far: FarNode, network: Namespace, watched: Watched): Promise<void> => {
  /** Live: what was done in the dark is seen while the program still runs. */
  const isSeen = async () => {
    const printed = far.printed()
    expect(printed).toBeLessThan(epochs)
    await watched.shows(printed)
  }
  await watched.shows(2)

  await network.pull()
  await far.goesOn(4)
  await network.plugIn()
  await isSeen()

  await far.killAgent()
  await far.goesOn(3)
  far.startAgent()
  await isSeen()

  await far.killServer()
  await far.goesOn(3)
  await far.startServer()
  await isSeen()

  await network.pull()
  await Promise.all([far.killAgent(), far.killServer()])
  await far.goesOn(3)
  await far.startServer()
  far.startAgent()
  await far.goesOn(2)
  far.link.slow(150)
  await network.plugIn()
}

/** The series that the job's events have made in its run. */
const accuracyOf = async (far: FarNode) => {
  const { jobs } = await far.ask<{ jobs: { attempt: number; run_id: string }[] }>('/api/jobs')
  expect(jobs.map(({ attempt }) => attempt)).toEqual([1])
  const history = () =>
    far.ask<{ steps: number[]; values: number[] }>(`/metrics/${jobs[0]?.run_id}/history/accuracy`)
  await waitUntil('the last metrics', async () => (await history()).steps.length >= epochs)
  return history()
}

testWith('python', 'mount')(
  'hearth run on a far node survives pulled cables and killed servers and agents',
  async () => {
    await using folder = await temporaryFolder()
    await using network = await makeNamespace()
    const expected = await undisturbed(copyScript(join(folder.path, 'reference')))
    const here = copyScript(join(folder.path, 'here'))
    const far = new FarNode(folder.path, network)
    let watched: Watched | undefined
    try {
      await far.start()
      watched = far.watch(here, [python, 'paced.py', ...options])
      await disturb(far, network, watched)
      const exitCode = await watched.ends()
      expect({ exitCode, output: watched.output }).toEqual({ exitCode: 0, output: expected.output })
      expect(await far.hearth(here, 'logs', 'last')).toBe(expected.output)
      await far.hearth(here, 'pull', 'last', '-o', 'home')
      expect(readFileSync(join(here, 'home/out/digits.npz'))).toEqual(expected.model)
      const { steps, values } = await accuracyOf(far)
      expect({ steps, values: values.map((value) => value.toFixed(4)) }).toEqual({
        steps: Array.from({ length: epochs }, (_, epoch) => epoch),
        values: [...expected.output.matchAll(/accuracy ([\d.]+)/g)].map(([, value]) => `${value}`),
      })
    } finally {
      await watched?.stop()
      await far.stop()
    }
  },
  240_000,
)
