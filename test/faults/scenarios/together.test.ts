/** More trainings than processors: all of them go on, and the server still answers. */
import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'

interface Status {
  readonly status: string
  readonly current_episode: number
  readonly job_id: string
}

test('four at once on two processors all advance', async () => {
  await using folder = await temporaryFolder()
  const env = { LOG_LEVEL: 'error', LOCAL_SLOTS: '2' }
  const hearth = await startHearth({ dataDir: join(folder.path, 'data'), env })
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${hearth.origin}/api/training/${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers }),
    })
    return (await reply.json()) as T
  }
  try {
    const ids = await Promise.all(
      [1, 2, 3, 4].map(async (seed) => {
        const body = { scenario_id: 'customer_support', framework: 'Native', seed }
        const more = { max_episodes: 1_000_000 }
        return (await call<{ session_id: string }>('POST', 'start', { ...body, ...more }))
          .session_id
      }),
    )
    const look = () => Promise.all(ids.map((id) => call<Status>('GET', id)))
    const beyond = (least: readonly number[]) => async () =>
      (await look()).every(({ current_episode }, n) => current_episode > (least[n] ?? 0))
    await waitUntil('all of them learning', beyond([500, 500, 500, 500]), 60_000)
    const seen = await look()
    expect(seen.map(({ status }) => status)).toEqual(ids.map(() => 'running'))
    const further = seen.map(({ current_episode }) => current_episode + 500)
    await waitUntil('all of them going on', beyond(further), 60_000)
    for (const { job_id } of seen) expect(nicenessOf(job_id)).toEqual({ own: 10, session })
    await Promise.all(ids.map((id) => call('POST', `${id}/stop`)))
    expect((await look()).map(({ status }) => status)).toEqual(ids.map(() => 'completed'))
  } finally {
    await hearth.end('SIGKILL')
  }
}, 180_000)

/** Of sessions against each other: this kernel knows it, or nothing has to be said of it. */
const session = existsSync('/proc/self/autogroup') ? 10 : null

const nicenessOf = (job: string) => {
  const pids = Bun.spawnSync(['pgrep', '-f', 'main.ts train']).stdout.toString().trim().split('\n')
  const pid = pids.find((candidate) =>
    readFileSync(`/proc/${candidate}/environ`, 'utf8').includes(`HEARTH_JOB=${job}`),
  )
  if (pid === undefined) throw new Error(`No program runs for ${job}`)
  const group = session && readFileSync(`/proc/${pid}/autogroup`, 'utf8')
  return { own: getPriority(Number(pid)), session: group && Number(group.split(' nice ')[1]) }
}
