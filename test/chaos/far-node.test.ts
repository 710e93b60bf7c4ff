/** A training on a node in another network, its cable pulled, both sides killed: nothing shows. */
import { expect } from 'bun:test'
import { cpSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { callJson, type Hearth, signUp, startHearth } from '../../scripts/hearth.ts'
import { freePort, waitUntil } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { testWith } from '../faults/needs.ts'
import { startLink } from './link.ts'
import { makeNamespace } from './namespace.ts'

const root = join(import.meta.dir, '../..')
const main = join(root, 'src/main.ts')
const python = process.env['HEARTH_TEST_PYTHON'] ?? join(root, '.cache/test-venv/bin/python')
const epochs = 40
const training = [python, 'train_digits.py', '--epochs', `${epochs}`]

const linesIn = (text: string): number => text.split('\n').length - 1

/** What the training prints, and leaves, when nothing happens to it. */
const undisturbed = async (folder: string) => {
  const out = await must(training, {
    cwd: folder,
    env: { PYTHONPATH: join(root, 'runners/python'), PYTHONDONTWRITEBYTECODE: '1' },
  })
  return { out, model: readFileSync(join(folder, 'out/digits.npz')) }
}

const copyScript = (folder: string): string => {
  mkdirSync(folder)
  cpSync(join(root, 'runners/python/examples/train_digits.py'), join(folder, 'train_digits.py'))
  return folder
}

testWith('python', 'mount')(
  'hearth run on a far node survives pulled cables and killed servers and agents',
  async () => {
    await using folder = await temporaryFolder()
    await using far = await makeNamespace()
    const expected = await undisturbed(copyScript(join(folder.path, 'reference')))
    const here = copyScript(join(folder.path, 'here'))
    const state = join(folder.path, 'state')

    const port = freePort()
    const origin = `http://${far.address}:${port}`
    const startServer = () =>
      startHearth({
        dataDir: join(folder.path, 'data'),
        env: { HOST: far.address, PORT: `${port}`, LOCAL_SLOTS: '0', RATE_LIMITS: 'off' },
      })
    let server: Hearth = await startServer()
    const link = startLink(origin, () => false, far.address)
    const token = await signUp(origin)
    const env = {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: folder.path,
      HEARTH_URL: origin,
      HEARTH_TOKEN: token,
    }
    const hearth = (...args: string[]) =>
      must([process.execPath, main, ...args], { cwd: here, env })
    const joinToken = (await hearth('nodes', 'token')).match(/hjoin_\S+/)?.[0] ?? ''
    const agentLog = openSync(join(folder.path, 'agent.log'), 'a')
    const startAgent = () =>
      Bun.spawn(
        [
          ...far.prefix,
          ...[process.execPath, main, 'agent', '--name', 'far', '--state', state],
          ...['--server', link.origin, '--token', joinToken],
        ],
        {
          env: { PATH: env.PATH, HOME: folder.path },
          stdio: ['ignore', agentLog, agentLog],
        },
      )
    let agent = startAgent()
    const killAgent = async () => {
      agent.kill('SIGKILL')
      await agent.exited
    }
    const running = Bun.spawn([process.execPath, main, 'run', '--', ...training], {
      cwd: here,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    try {
      let watched = ''
      let remarks = ''
      const reading = (async () => {
        const decoder = new TextDecoder()
        for await (const bytes of running.stdout) watched += decoder.decode(bytes, { stream: true })
      })()
      const reading2 = (async () => {
        for await (const bytes of running.stderr) remarks += Buffer.from(bytes).toString()
      })()
      const alive = () => {
        if (running.exitCode === null) return
        throw new Error(`hearth run has ended with ${running.exitCode}:\n${remarks}`)
      }
      const epochsDone = () => {
        const attempts = readdirSync(join(state, 'attempts'))
        if (attempts.length !== 1) throw new Error(`attempts: ${attempts}`)
        return linesIn(readFileSync(join(state, 'attempts', attempts[0] ?? '', 'log'), 'utf8'))
      }
      /** Without anybody watching, until it has come further. */
      const trainOn = async (count: number) => {
        const goal = epochsDone() + count
        await waitUntil(`epoch ${goal}`, () => epochsDone() >= goal, 60_000)
      }
      /** Live: what was done in the dark arrives while the training goes on. */
      const catchUp = async () => {
        const goal = epochsDone()
        expect(goal).toBeLessThan(epochs)
        await waitUntil(
          `${goal} epochs to be seen`,
          () => {
            alive()
            return linesIn(watched) >= goal
          },
          60_000,
        )
      }
      await waitUntil('the training to begin', () => (alive(), linesIn(watched) >= 2), 60_000)

      await far.pull()
      await trainOn(4)
      await far.plugIn()
      await catchUp()

      await killAgent()
      await trainOn(3)
      agent = startAgent()
      await catchUp()

      await server.end('SIGKILL')
      await trainOn(3)
      server = await startServer()
      await catchUp()

      await far.pull()
      await Promise.all([killAgent(), server.end('SIGKILL')])
      await trainOn(3)
      server = await startServer()
      agent = startAgent()
      await trainOn(2)
      link.slow(150)
      await far.plugIn()

      await Promise.all([reading, reading2])
      expect({ exitCode: await running.exited, watched }).toEqual({
        exitCode: 0,
        watched: expected.out,
      })
      const logged = await hearth('logs', 'last')
      expect(logged).toBe(expected.out)
      await hearth('pull', 'last', '-o', 'home')
      expect(readFileSync(join(here, 'home/out/digits.npz'))).toEqual(expected.model)

      const ask = <T>(path: string) => callJson<T>(origin, token, 'GET', path)
      const { jobs } = await ask<{ jobs: { id: string; attempt: number; run_id: string }[] }>(
        '/api/jobs',
      )
      const [job] = jobs
      expect({ jobs: jobs.length, attempt: job?.attempt }).toEqual({ jobs: 1, attempt: 1 })
      const seen = [...expected.out.matchAll(/accuracy ([\d.]+)/g)].map(([, value]) => value)
      await waitUntil('the last metrics', async () => {
        const { steps } = await ask<{ steps: number[] }>(`/metrics/${job?.run_id}/history/accuracy`)
        return steps.length >= epochs
      })
      const history = await ask<{ steps: number[]; values: number[] }>(
        `/metrics/${job?.run_id}/history/accuracy`,
      )
      expect(history.steps).toEqual(Array.from({ length: epochs }, (_, epoch) => epoch))
      expect(history.values.map((value) => value.toFixed(4))).toEqual(seen as string[])
    } finally {
      running.kill('SIGKILL')
      await killAgent()
      await server.end('SIGKILL')
      link.stop()
    }
  },
  240_000,
)
