/** A training by torch through a whole server: paused, gone on with, its model served. */
import { expect } from 'bun:test'
import { join } from 'node:path'
import { startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { lendTorch } from '../../python/torch.ts'
import { testWith } from '../needs.ts'

interface Status {
  readonly status: string
  readonly accuracy: number
  readonly current_episode: number
  readonly error: string | null
  readonly model_id: string | null
  readonly figures: Readonly<Record<string, number>>
}

testWith('torch')(
  'torch-ppo is a training like any other',
  async () => {
    await using folder = await temporaryFolder()
    const bin = await lendTorch(folder.path)
    const hearth = await startHearth({
      dataDir: join(folder.path, 'data'),
      env: { LOG_LEVEL: 'error', PATH: `${bin}:${process.env['PATH']}` },
    })
    const call = async <T>(method: string, path: string, body?: object) => {
      const headers = { 'content-type': 'application/json' }
      const url = `${hearth.origin}/api/${path}`
      const reply = await fetch(url, {
        method,
        ...(body && { headers, body: JSON.stringify(body) }),
      })
      return { status: reply.status, body: (await reply.json()) as T }
    }
    try {
      const begun = await call<{ session_id: string }>('POST', 'training/start', {
        scenario_id: 'catch',
        framework: 'Native',
        algorithm: 'torch-ppo',
        max_episodes: 2000,
      })
      const path = `training/${begun.body.session_id}`
      const look = async () => (await call<Status>('GET', path)).body
      const until = (what: string, isSo: (now: Status) => boolean) =>
        waitUntil(what, async () => isSo(await look()), 120_000)
      await until('learning', ({ current_episode }) => current_episode > 100)
      expect(await call('POST', `${path}/pause`)).toEqual({
        status: 200,
        body: { status: 'paused' },
      })
      expect((await call('GET', `${path}/evaluate`)).status).toBe(409)
      expect((await call('POST', `${path}/resume`)).status).toBe(200)
      await until('the end', ({ status }) => status !== 'running')
      const done = await look()
      expect(done).toMatchObject({
        status: 'completed',
        error: null,
        algorithm: 'torch-ppo',
        figures: { exact: 1 },
        baselines: { oracle: { accuracy: 100 } },
        alarms: [],
        progress: { done: 2000, total: 2000, percent: 100, eta_seconds: 0 },
      })
      expect(done.accuracy).toBeGreaterThan(95)
      const model = done.model_id ?? ''
      interface Played {
        readonly steps: readonly { readonly observation: number[]; readonly action: number }[]
      }
      const episode = await call<Played>('POST', 'scenarios/catch/episodes', { model_id: model })
      for (const { observation, action } of episode.body.steps) {
        const { body } = await call('POST', `models/${model}/act`, { observation })
        expect(body).toMatchObject({ action })
      }
      expect((await call<Status>('GET', `${path}/evaluate`)).body.accuracy).toBeGreaterThan(95)
    } finally {
      await hearth.end('SIGKILL')
    }
  },
  300_000,
)
