/** A full disk while points come in: a clear refusal, nothing half stored, and life after it. */
import { expect } from 'bun:test'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { signUp, startHearth } from '../../scripts/hearth.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { integrity } from './integrity.ts'
import { testWith } from './needs.ts'
import { audit, clean, makeRuns } from './reading.ts'
import { post, type Reply } from './writer.ts'

const pointsPerBatch = 10

const noise = () =>
  Array.from({ length: 20 }, (_, index) => ({
    name: `noise/${index}`,
    values: Array.from({ length: 100 }, Math.random),
  }))

testWith('mount')(
  'a full disk answers 507 and the server goes on when there is room again',
  async () => {
    await using folder = await temporaryFolder()
    await must(['mount', '-t', 'tmpfs', '-o', 'size=24m', 'hearth-test', folder.path])
    const dataDir = join(folder.path, 'data')
    const ballast = join(folder.path, 'ballast')
    // Given back later: what a person does who deletes something.
    await Bun.write(ballast, Buffer.alloc(12 * 2 ** 20))
    let hearth = await startHearth({ dataDir, env: { RATE_LIMITS: 'off' } })
    try {
      const token = await signUp(hearth.origin)
      const [runId = 0] = await makeRuns(hearth.origin, token, 1)
      let stored = 0
      const log = (): Promise<Reply | undefined> => {
        const steps = Array.from({ length: pointsPerBatch }, (_, i) => stored * pointsPerBatch + i)
        // What is audited stays small; noise, which nothing can compress, fills the disk.
        const series = [{ name: 'loss', values: steps, steps }, ...noise()]
        return post(hearth.origin, token, `/metrics/${runId}/batch`, { series })
      }
      const fill = async (): Promise<Reply | undefined> => {
        for (let tries = 0; tries < 2000; tries++) {
          const reply = await log()
          if (reply?.status !== 200) return reply
          stored++
        }
        throw new Error('The disk did not fill up')
      }

      const refused = await fill()
      expect(refused?.status).toBe(507)
      expect(JSON.parse(refused?.body ?? '{}')).toMatchObject({ code: 'disk_full' })
      expect((await log())?.status).toBe(507)
      expect((await fetch(`${hearth.origin}/health`)).status).toBe(200)
      const intact = () => audit(hearth.origin, token, runId, 'loss', stored * pointsPerBatch)
      expect(await intact()).toEqual(clean(stored * pointsPerBatch))
      const file = await fetch(`${hearth.origin}/runs/${runId}/artifacts/big.bin`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}` },
        body: Buffer.alloc(16 * 2 ** 20),
      })
      expect(file.status).toBe(507)

      await rm(ballast)
      for (let i = 0; i < 5; i++) {
        expect((await log())?.status).toBe(200)
        stored++
      }
      expect(await intact()).toEqual(clean(stored * pointsPerBatch))
      expect(await hearth.end()).toBe(0)
      expect(new Set(Object.values(await integrity(dataDir)))).toEqual(new Set(['ok']))

      hearth = await startHearth({ dataDir, env: { RATE_LIMITS: 'off' } })
      expect(await intact()).toEqual(clean(stored * pointsPerBatch))
    } finally {
      await hearth.end('SIGKILL')
      await must(['umount', folder.path])
    }
  },
  120_000,
)
