/** The jobs plugin in a kernel, and nodes that speak its protocol by hand. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jobsPlugin } from '../../../src/jobs/index.ts'
import type { Plan, SyncReply } from '../../../src/jobs/protocol.ts'
import type { Runner } from '../../../src/jobs/runner.ts'
import type { JobView } from '../../../src/jobs/view.ts'
import type { Database } from '../../../src/storage/database.ts'
import { type FakeClock, type PluginUnderTest, testPlugin } from '../../../src/testing.ts'
import { dialects, openTestDatabase } from '../streams/fixture.ts'

export { dialects, openTestDatabase }

export type Reply<T = Record<string, unknown>> = { status: number; body: T }

export const emptySha256 = new Bun.CryptoHasher('sha256').digest('hex')

export const plan = (change: Partial<Plan> = {}): Plan => ({ command: ['true'], ...change })

export interface Lab extends AsyncDisposable {
  readonly server: PluginUnderTest
  readonly db: Database
  readonly clock: FakeClock
  send<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
  ): Promise<Reply<T>>
  submit(body?: object): Promise<JobView>
  job(id: string): Promise<JobView>
  node(name?: string, capacity?: object): Promise<FakeNode>
}

export interface LabOptions {
  readonly config?: Record<string, unknown>
  readonly runners?: Record<string, Runner>
  readonly auth?: 'open' | 'required'
  readonly clock?: FakeClock
}

/** A server on `db`; several may stand on one. */
export const openLab = async (db: Database, options: LabOptions = {}): Promise<Lab> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'hearth-jobs-'))
  const plugin = jobsPlugin({
    dataDir,
    runners: () => new Map(Object.entries(options.runners ?? {})),
    shared: false,
  })
  const server = await testPlugin(plugin, {
    db,
    ...(options.config && { config: options.config }),
    ...(options.auth && { auth: options.auth }),
    ...(options.clock && { clock: options.clock }),
  })
  const send = async <T>(method: string, path: string, body?: unknown, token?: string) => {
    const reply = await server.fetch(path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: reply.status, body: (await reply.json()) as T }
  }
  const lab: Lab = {
    server,
    db,
    clock: server.clock,
    send,
    async submit(body = {}) {
      const { status, body: job } = await send<JobView>('POST', '/api/jobs', {
        plan: plan(),
        ...body,
      })
      if (status !== 201) throw new Error(JSON.stringify(job))
      return job
    },
    job: async (id) => (await send<JobView>('GET', `/api/jobs/${id}`)).body,
    async node(name = 'node', capacity = {}) {
      const { body: made } = await send<{ token: string }>('POST', '/api/nodes/tokens', {})
      const request = { token: made.token, name, protocol: '1.0', version: '0' }
      const joined = await send<Joined>('POST', '/api/agents/join', request)
      return new FakeNode(lab, joined.body, capacity)
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  return lab
}

export interface Joined {
  readonly node: string
  readonly credential: string
}

export type Work = SyncReply['work'][number]

const roomy = {
  slots: 4,
  cpus: 8,
  memoryBytes: 2 ** 34,
  gpus: [],
  labels: [],
  sandboxes: ['none', 'bwrap'],
}

/** An agent whose every word the test chooses. */
export class FakeNode {
  readonly id: string
  readonly credential: string
  readonly lab: Lab
  readonly capacity: object
  boot = 'boot-1'
  accepting = true
  holding: { job: string; attempt: number; phase: string; detail?: string }[] = []

  constructor(lab: Lab, { node, credential }: Joined, capacity: object) {
    this.lab = lab
    this.id = node
    this.credential = credential
    this.capacity = { ...roomy, ...capacity }
  }

  /** The same node as another server of the same database meets it. */
  at(lab: Lab): FakeNode {
    return new FakeNode(lab, { node: this.id, credential: this.credential }, this.capacity)
  }

  rawSync(change: object = {}): Promise<Reply<SyncReply>> {
    const { boot, capacity, accepting, holding } = this
    const request = { boot, capacity, accepting, holding, protocol: '1.0', version: '0', waitMs: 0 }
    return this.lab.send('POST', '/api/agents/sync', { ...request, ...change }, this.credential)
  }

  async sync(waitMs = 0): Promise<SyncReply> {
    const { status, body } = await this.rawSync({ waitMs })
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
    return body
  }

  /** Asks for work and waits until it is given some: passes of the queue take their time. */
  async work(): Promise<Work[]> {
    return (await this.sync(20_000)).work
  }

  hold({ job, attempt }: Pick<Work, 'job' | 'attempt'>, phase = 'running', detail?: string): void {
    this.holding.push({ job, attempt, phase, ...(detail !== undefined && { detail }) })
  }

  start({ job, attempt }: Pick<Work, 'job' | 'attempt'>): Promise<Reply> {
    return this.lab.send('POST', `/api/attempts/${job}/${attempt}/start`, {}, this.credential)
  }

  finish({ job, attempt }: Pick<Work, 'job' | 'attempt'>, outcome: object = {}): Promise<Reply> {
    this.holding = this.holding.filter((one) => one.job !== job)
    const none = { size: 0, sha256: emptySha256 }
    const body = {
      outcome: { reason: 'exited', exitCode: 0, signal: null, ...outcome },
      log: none,
      events: none,
      artifacts: [],
    }
    return this.lab.send('POST', `/api/attempts/${job}/${attempt}/finish`, body, this.credential)
  }

  /** Takes the next job as far as running. */
  async run(): Promise<Work> {
    const [work] = await this.work()
    if (!work) throw new Error('There was no work')
    this.hold(work)
    await this.start(work)
    return work
  }
}

/** Waits until a condition holds: passes of the event loop, no clock. */
export const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let n = 0; n < 20_000; n++) {
    if (await holds()) return
    await Bun.sleep(0)
  }
  throw new Error('It never came to be')
}

/** Moves the clock on, a tenth of a second for each turn, until something is done. */
export const timePasses = async (lab: Lab, work: Promise<unknown>): Promise<void> => {
  let isDone = false
  const done = (): void => {
    isDone = true
  }
  void work.then(done, done)
  await until(async () => {
    if (!isDone) lab.clock.advance(100)
    // The database answers in its own time.
    await Bun.sleep(2)
    return isDone
  })
}
