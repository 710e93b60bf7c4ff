/** One random schedule: a small world, some seconds of bad luck, and then all must come right. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryBlobs } from '../../src/storage/blobs-memory.ts'
import { openDatabase } from '../../src/storage/open.ts'
import { sql } from '../../src/storage/sql.ts'
import { adoptFiles, forgetFiles } from './files.ts'
import { Host } from './host.ts'
import { BrokenError } from './broken.ts'
import { Invariants } from './invariants.ts'
import { calm } from './life.ts'
import { calmWeather } from './network.ts'
import { randomJob } from './programs.ts'
import { type Chance, chanceOf, seedIdentifiers } from './random.ts'
import { migrateServer, SimServer } from './server.ts'
import { VirtualTime } from './time.ts'
import { Truth } from './truth.ts'

export interface Report {
  /** The same for every run of a seed. */
  readonly digest: string
  readonly jobs: number
  readonly attempts: number
  readonly performances: number
  readonly virtualMs: number
}

const hourMs = 3_600_000
const badLuckMs = 20_000
const patienceMs = 600_000

interface Scene {
  readonly time: VirtualTime
  readonly chance: Chance
  readonly server: SimServer
  readonly hosts: readonly Host[]
  readonly invariants: Invariants
  readonly trace: (what: string) => void
  jobs: number
}

/** @throws BrokenError when something does not hold */
export const runSchedule = async (
  seed: number,
  tell: (line: string) => void = () => undefined,
): Promise<Report> => {
  const chance = chanceOf(seed)
  seedIdentifiers(chance.fork())
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'hearth-sim-'))
  const dataDir = join(root, 'server')
  const time = new VirtualTime()
  const truth = new Truth()
  const db = await openDatabase({ dataDir: ':memory:' })
  try {
    await migrateServer(db)
    const server = new SimServer({ time, db, blobs: memoryBlobs(), dataDir })
    adoptFiles(`${dataDir}/`, () => server.life)
    await server.boot()
    const hosts: Host[] = []
    const slots = new Map<string, number>()
    const invariants = new Invariants({ db, server, hosts, slots, truth, dataDir })
    for (let n = chance.between(1, 3); n > 0; n--) {
      const { node, credential } = await server.engine.nodes.own(undefined)
      slots.set(node, chance.between(1, 2))
      const answered = invariants.answered.bind(invariants)
      const own = { name: `host${n}`, root, time, server, truth, credential, answered }
      // One of them has what any job may need.
      const gpus = hosts.length === 0 ? 1 : chance.between(0, 1)
      hosts.push(
        new Host({ ...own, chance: chance.fork(), slots: slots.get(node) as number, gpus }),
      )
    }
    const hasher = new Bun.CryptoHasher('sha256')
    const trace = (what: string) => {
      hasher.update(`${time.nowMs} ${what}\n`)
      tell(`${(time.nowMs / 1000).toFixed(2).padStart(8)}  ${what}`)
    }
    const scene = { time, chance, server, hosts, invariants, trace, jobs: 0 }
    await play(scene)
    for (const job of await invariants.jobs()) {
      trace(`${job.state} after ${job.attempt}: ${job.outcome}`)
    }
    const [{ attempts } = { attempts: 0 }] = await db.rows<{ attempts: number }>(
      sql`select sum(attempt) as attempts from jobs_job`,
    )
    return {
      digest: hasher.digest('hex'),
      jobs: scene.jobs,
      attempts,
      performances: truth.performances.length,
      virtualMs: time.nowMs,
    }
  } finally {
    forgetFiles()
    await db.close()
    rmSync(root, { recursive: true, force: true })
  }
}

const play = async (scene: Scene): Promise<void> => {
  const { time, hosts, invariants, server, trace } = scene
  for (const host of hosts) await host.startAgent()
  await calm()
  plan(scene)
  while (await time.step(badLuckMs)) await invariants.always()
  trace('all is well again')
  await heal(scene)
  for (let endMs = time.nowMs + 1000; ; endMs += 1000) {
    while (await time.step(endMs)) await invariants.always()
    const unrest = await invariants.unrest()
    if (unrest === null) break
    if (time.nowMs > badLuckMs + patienceMs) throw new BrokenError(`It never ended: ${unrest}`)
  }
  // What was sent twice or late may still arrive.
  const endMs = time.nowMs + 5000
  while (await time.step(endMs)) await invariants.always()
  await invariants.atTheEnd()
  for (const host of hosts) host.killAgent()
  server.life.end()
}

const heal = async ({ hosts, server }: Scene): Promise<void> => {
  server.life.actsLeft = Number.POSITIVE_INFINITY
  if (!server.isUp) await server.boot()
  for (const host of hosts) {
    host.link.isCut = false
    host.link.weather = calmWeather
    host.killAgentAfter(Number.POSITIVE_INFINITY)
    if (!host.isAgentUp) await host.startAgent()
  }
  await calm()
}

/** Decides at the start what will befall whom, and when. */
const plan = (scene: Scene): void => {
  const { time, chance, hosts } = scene
  const at = (what: () => void) => time.after(chance.next() * badLuckMs, what)
  for (const host of hosts) {
    host.link.weather = chance.happens(0.2)
      ? calmWeather
      : {
          loseRequest: chance.next() * 0.3,
          loseReply: chance.next() * 0.3,
          double: chance.next() * 0.3,
          maxDelayMs: chance.pick([5, 50, 500, 3000]),
        }
  }
  const doings = Array.from({ length: chance.between(1, 4) }, () => submit)
  for (let n = chance.between(0, 6); n > 0; n--) doings.push(chance.pick(misfortunes))
  for (let n = chance.between(0, 3); n > 0; n--) doings.push(command)
  for (const doing of doings) {
    const own = chance.fork()
    at(() => doing(scene, own))
  }
}

type Doing = (scene: Scene, chance: Chance) => void

const quietly = (work: Promise<unknown>): void => void work.catch(() => undefined)

const submit: Doing = (scene, chance) => {
  const { server, invariants, trace } = scene
  if (!server.isUp) return
  const key = `job ${++scene.jobs}`
  trace(`submit ${key}`)
  const work = invariants.jobs().then((jobs) =>
    server.submit(
      randomJob(
        chance,
        key,
        jobs.map(({ id }) => id),
      ),
    ),
  )
  quietly(work)
}

const command: Doing = ({ server, invariants, trace }, chance) => {
  if (!server.isUp) return
  const word = chance.pick(['cancel', 'pause', 'pause', 'resume'] as const)
  const work = invariants.jobs().then(async (jobs) => {
    if (jobs.length === 0) return
    const { id, state } = chance.pick(jobs)
    trace(`${word} ${id}, which is ${state}`)
    await server.command(id, word)
  })
  quietly(work)
}

const killServer: Doing = ({ time, server, trace }, chance) => {
  trace('the server is killed')
  if (chance.happens(0.5)) server.life.end()
  else server.life.actsLeft = chance.between(0, 30)
  time.after(chance.between(50, 6000), () => {
    trace('the server begins anew')
    server.life.end()
    quietly(server.boot())
  })
}

const killAgent: Doing = ({ time, hosts, trace }, chance) => {
  const host = chance.pick(hosts)
  trace(`the agent of ${host.name} is killed`)
  if (chance.happens(0.3)) host.killAgent()
  else host.killAgentAfter(chance.between(0, 40))
  // Beyond its cut-off, for some: who keeps the deadline then is beside the program.
  time.after(chance.between(50, 20_000), () => {
    trace(`the agent of ${host.name} begins anew`)
    host.killAgent()
    quietly(host.startAgent())
  })
}

const crashMachine: Doing = ({ time, hosts, trace }, chance) => {
  const host = chance.pick(hosts)
  trace(`${host.name} crashes`)
  host.crashMachine()
  time.after(chance.between(500, 8000), () => {
    trace(`${host.name} is back`)
    host.killAgent()
    quietly(host.startAgent())
  })
}

const cutLink: Doing = ({ time, hosts, trace }, chance) => {
  const { name, link } = chance.pick(hosts)
  trace(`${name} is cut off`)
  link.isCut = true
  time.after(chance.between(100, 20_000), () => {
    trace(`${name} is reached again`)
    link.isCut = false
  })
}

const setClock: Doing = ({ hosts, server, trace }, chance) => {
  trace('a clock is set')
  // A pause before the next attempt is kept by the clock of the server: it is not to be an hour.
  if (chance.happens(0.5)) server.wall.skewMs += chance.pick([-60_000, -5000, 5000, hourMs])
  else chance.pick(hosts).wall.skewMs += chance.pick([-hourMs, -5000, 5000, hourMs])
}

const misfortunes: readonly Doing[] = [
  killServer,
  killAgent,
  killAgent,
  crashMachine,
  cutLink,
  cutLink,
  setClock,
]
