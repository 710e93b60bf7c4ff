/** Disks fill up under the server and under a node; with room again, nothing is missing. */
import { expect } from 'bun:test'
import { existsSync, mkdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { waitUntil } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { testWith } from '../faults/needs.ts'
import { seeded } from './random.ts'
import { World } from './world.ts'

const mebibyte = 2 ** 20
const logBytes = 16 * mebibyte
const pattern = '0123456789abcdef'.repeat(4)

/** A disk of 24 MiB, of which half can be given back. */
const smallDisk = async (path: string) => {
  mkdirSync(path, { recursive: true })
  await must(['mount', '-t', 'tmpfs', '-o', 'size=24m', 'hearth-test', path])
  const ballast = join(path, 'ballast')
  await Bun.write(ballast, Buffer.alloc(12 * mebibyte))
  return {
    isFull: () => statfsSync(path).bavail === 0,
    makeRoom: () => rmSync(ballast),
    unmount: () => must(['umount', '--lazy', path]),
  }
}

interface Job {
  readonly id: string
  readonly state: string
  readonly outcome: { readonly reason: string; readonly exit_code: number | null } | null
}

const submit = (world: World, script: string) =>
  world.ask<Job>('POST', '/api/jobs', {
    plan: { command: ['/bin/sh', '-c', script], needs: { labels: ['far'] } },
  })

const ended = async (world: World, { id }: Job): Promise<Job> => {
  let job: Job | undefined
  await waitUntil(
    'the job to end',
    async () => {
      job = await world.ask<Job>('GET', `/api/jobs/${id}`)
      return ['succeeded', 'failed', 'cancelled'].includes(job.state)
    },
    60_000,
  )
  return job as Job
}

/** Its length, and whether it is the pattern from the first byte to the last. */
const logOf = async (world: World, { id }: Job) => {
  let length = 0
  const line = Buffer.from(`${pattern}\n`)
  const whole = Buffer.alloc(2 * mebibyte + line.length, line)
  for (;;) {
    const path = `/api/jobs/${id}/logs?offset=${length}&limit=${mebibyte}`
    const bytes = Buffer.from(await (await fetch(world.origin + path)).arrayBuffer())
    if (bytes.length === 0) return { length, isRight: true }
    const at = length % line.length
    if (!whole.subarray(at, at + bytes.length).equals(bytes)) return { length, isRight: false }
    length += bytes.length
  }
}

const withWorld = async (
  full: 'data' | 'node-0',
  prove: (
    world: World,
    disk: Awaited<ReturnType<typeof smallDisk>>,
    outside: string,
  ) => Promise<void>,
): Promise<void> => {
  await using folder = await temporaryFolder()
  const disk = await smallDisk(join(folder.path, full))
  const world = new World({
    folder: folder.path,
    agents: 1,
    random: seeded(1),
    lossProbability: 0,
    labels: ['far'],
  })
  try {
    await world.start()
    await prove(world, disk, folder.path)
    const next = await ended(world, await submit(world, 'echo well'))
    expect(next.state).toBe('succeeded')
  } finally {
    await world.stop()
    await disk.unmount()
  }
}

testWith('mount')(
  'a server without room keeps nobody’s bytes from arriving later',
  () =>
    withWorld('data', async (world, disk) => {
      const job = await submit(world, `yes ${pattern} | head -c ${logBytes}`)
      await waitUntil('the node to be told', () => world.nodes[0]?.said().includes('507') ?? false)
      expect(disk.isFull()).toBe(true)
      disk.makeRoom()
      const { state, outcome } = await ended(world, job)
      expect({ state, reason: outcome?.reason }).toEqual({ state: 'succeeded', reason: 'exited' })
      expect(await logOf(world, job)).toEqual({ length: logBytes, isRight: true })
    }),
  120_000,
)

testWith('mount')(
  'a node without room reports what its program could write, and how it ended',
  () =>
    withWorld('node-0', async (world, disk, outside) => {
      const done = join(outside, 'done')
      const script = `yes ${pattern} | head -c ${logBytes}; touch ${done}; exit 7`
      const job = await submit(world, script)
      await waitUntil('the program to end', () => existsSync(done))
      expect(disk.isFull()).toBe(true)
      disk.makeRoom()
      const { state, outcome } = await ended(world, job)
      expect({ state, reason: outcome?.reason, code: outcome?.exit_code }).toEqual({
        state: 'failed',
        reason: 'exited',
        code: 7,
      })
      const { length, isRight } = await logOf(world, job)
      expect(isRight).toBe(true)
      expect(length).toBeGreaterThan(4 * mebibyte)
      expect(length).toBeLessThan(logBytes)
    }),
  120_000,
)
