/** Whoever changes his mind at once loses nothing: the program is not there to be asked yet. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { type Hearth, startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'

interface Status {
  readonly status: string
  readonly current_episode: number
  readonly model_id: string | null
  readonly error: string | null
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hearth: Hearth

beforeAll(async () => {
  folder = await temporaryFolder()
  const env = { LOG_LEVEL: 'error' }
  hearth = await startHearth({ dataDir: join(folder.path, 'data'), env })
}, 60_000)
afterAll(async () => {
  await hearth?.end('SIGKILL')
  await folder?.[Symbol.asyncDispose]()
})

const call = async <T>(method: string, path: string, body?: object) => {
  const reply = await fetch(`${hearth.origin}/api/training/${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: reply.status, body: (await reply.json()) as T }
}

const begin = async (): Promise<string> => {
  const settings = { scenario_id: 'catch', framework: 'Native', algorithm: 'ppo' }
  const more = { max_episodes: 5_000_000 }
  const { body } = await call<{ session_id: string }>('POST', 'start', { ...settings, ...more })
  return body.session_id
}

const look = async (id: string): Promise<Status> => (await call<Status>('GET', id)).body
const ask = async (id: string, verb: string) => (await call('POST', `${id}/${verb}`)).status

/** Time for a job to be handed to the node, to begin its program, and for that to begin itself. */
const waits = [0, 5, 20, 60, 150]

test.each(waits)(
  'paused %d ms after the start, and gone on with',
  async (waitMs) => {
    const id = await begin()
    await Bun.sleep(waitMs)
    expect([await ask(id, 'pause'), (await look(id)).status]).toEqual([200, 'paused'])
    expect(await ask(id, 'resume')).toBe(200)
    await waitUntil('learning', async () => (await look(id)).current_episode > 0, 60_000)
    expect(await ask(id, 'stop')).toBe(200)
    expect(await look(id)).toMatchObject({ status: 'completed', error: null })
  },
  120_000,
)

test.each(waits)(
  'paused, gone on with and asked again %d ms later',
  async (waitMs) => {
    const id = await begin()
    await waitUntil('learning', async () => (await look(id)).current_episode > 100, 60_000)
    expect(await ask(id, 'pause')).toBe(200)
    const { current_episode: before } = await look(id)
    expect(await ask(id, 'resume')).toBe(200)
    await Bun.sleep(waitMs)
    expect(await ask(id, 'pause')).toBe(200)
    expect(await ask(id, 'resume')).toBe(200)
    await Bun.sleep(waitMs)
    expect(await ask(id, 'stop')).toBe(200)
    const { status, current_episode: after, model_id, error } = await look(id)
    expect({ status, error, isKept: after >= before }).toEqual({
      status: 'completed',
      error: null,
      isKept: true,
    })
    expect(model_id).toStartWith('model_')
  },
  120_000,
)
