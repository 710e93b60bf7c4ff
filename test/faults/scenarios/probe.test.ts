/** Frameworks of Python on a real node: installed by a probe, or not to be had, and told so. */
import { expect } from 'bun:test'
import { join } from 'node:path'
import { startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { testWith } from '../needs.ts'

interface Framework {
  readonly name: string
  readonly available: boolean
  readonly version: string | null
  readonly reason: string | null
}

const test = testWith('harnesses')

/** What leads installers to packages, on a machine that has mirrors or certificates of its own. */
const installers = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      /^(PIP_\w+|UV_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|(https?|all|no)_proxy)$/i.test(entry[0]) &&
      entry[1] !== undefined,
  ),
)

const withServer = async (
  env: Readonly<Record<string, string>>,
  work: (call: <T>(method: string, path: string, body?: object) => Promise<T>) => Promise<void>,
) => {
  await using folder = await temporaryFolder()
  const dataDir = join(folder.path, 'data')
  const hearth = await startHearth({ dataDir, env: { LOG_LEVEL: 'error', ...env } })
  try {
    await work(async <T>(method: string, path: string, body?: object) => {
      const headers = { 'content-type': 'application/json' }
      const reply = await fetch(`${hearth.origin}/api/${path}`, {
        method,
        ...(body && { body: JSON.stringify(body), headers }),
      })
      return (await reply.json()) as T
    })
  } finally {
    await hearth.end('SIGKILL')
  }
}

test(
  'a probe installs AutoGen, then its agents play in a training',
  () =>
    withServer(installers, async (call) => {
      await call('POST', 'frameworks/AutoGen/probe')
      const autogen = async () =>
        (await call<Framework[]>('GET', 'frameworks')).find(({ name }) => name === 'AutoGen')
      await waitUntil(
        'the probe',
        async () => !(await autogen())?.reason?.includes('being tried'),
        240_000,
      )
      expect(await autogen()).toEqual({
        name: 'AutoGen',
        available: true,
        version: '0.7.5',
        reason: null,
      })
      const { frameworks } = await call<{ frameworks: string[] }>('GET', 'scenarios/scheduling')
      expect(frameworks).toEqual(['Native', 'LangChain', 'AutoGen'])
      const { session_id } = await call<{ session_id: string }>('POST', 'training/start', {
        scenario_id: 'scheduling',
        framework: 'AutoGen',
        max_episodes: 100,
      })
      const session = () => call<{ status: string }>('GET', `training/${session_id}`)
      await waitUntil('its end', async () => (await session()).status !== 'running', 120_000)
      expect(await session()).toMatchObject({
        status: 'completed',
        error: null,
        rollouts: { native: 100, harness: 51 },
        figures: { harness_test_n: 50 },
      })
    }),
  400_000,
)

test(
  'without packages a probe fails, and says why',
  () =>
    withServer({ PIP_NO_INDEX: '1', UV_NO_INDEX: '1' }, async (call) => {
      const { job_id } = await call<{ job_id: string }>('POST', 'frameworks/CrewAI/probe')
      const job = () => call<{ ended_at: string | null; state: string }>('GET', `jobs/${job_id}`)
      await waitUntil('its end', async () => (await job()).ended_at !== null, 60_000)
      expect((await job()).state).toBe('failed')
      const crewai = async () =>
        (await call<Framework[]>('GET', 'frameworks')).find(({ name }) => name === 'CrewAI')
      await waitUntil('the news', async () => !(await crewai())?.reason?.includes('being tried'))
      expect(await crewai()).toEqual({
        name: 'CrewAI',
        available: false,
        version: null,
        reason: expect.stringMatching(
          /^CrewAI could not be installed: the packages could not be installed/,
        ),
      })
      const wish = { scenario_id: 'scheduling', framework: 'CrewAI' }
      expect(await call<object>('POST', 'training/start', wish)).toEqual({
        detail: (await crewai())?.reason,
        code: 'conflict',
      })
    }),
  120_000,
)
