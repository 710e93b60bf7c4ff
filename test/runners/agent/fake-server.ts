/** The server's half of the agent protocol, in memory: what it has taken is the truth of a test. */
import type { Assignment, FinishRequest, Plan, SyncRequest } from '../../../src/jobs/protocol.ts'
import type { Transport } from '../../../runners/agent.ts'

export interface FakeJob {
  readonly id: string
  attempt: number
  readonly plan: Plan
  readonly secrets: Record<string, string>
  readonly stopAfterMs: number | null
  state: 'queued' | 'assigned' | 'running' | 'ended' | 'gone'
  desired: 'run' | 'pause' | 'cancel'
  log: Uint8Array
  events: Uint8Array
  finish: FinishRequest | null
  starts: number
}

/** What happens to a call: before it is carried out, or to its reply. */
export interface Faults {
  before?(call: string): void | Promise<void>
  after?(call: string): void | Promise<void>
}

export const sha256 = (bytes: Uint8Array): string =>
  new Bun.CryptoHasher('sha256').update(bytes).digest('hex')

const refusal = (status: number, code: string): Response =>
  Response.json({ detail: code, code }, { status })

export class FakeServer {
  readonly jobs = new Map<string, FakeJob>()
  readonly blobs = new Map<string, Uint8Array>()
  readonly partial = new Map<string, Uint8Array>()
  readonly syncs: SyncRequest[] = []
  readonly calls: string[] = []
  faults: Faults = {}
  /** Replies with this status and code instead, for as long as it is set. */
  refuse: [status: number, code: string] | null = null
  #changed = Promise.withResolvers<void>()
  readonly #told = new Set<string>()

  /** Every change of anything, so that a test can wait for what it wants to see. */
  touch(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }

  async until<T>(look: () => T | null | undefined | false): Promise<T> {
    for (;;) {
      const found = look()
      if (found) return found
      await this.#changed.promise
    }
  }

  submit(id: string, plan: Plan, options: Partial<FakeJob> = {}): FakeJob {
    const job: FakeJob = {
      id,
      attempt: 0,
      plan,
      secrets: {},
      stopAfterMs: null,
      state: 'queued',
      desired: 'run',
      log: new Uint8Array(),
      events: new Uint8Array(),
      finish: null,
      starts: 0,
      ...options,
    }
    this.jobs.set(id, job)
    this.touch()
    return job
  }

  logOf(id: string): string {
    return Buffer.from(this.jobs.get(id)?.log ?? []).toString()
  }

  addBlob(text: string): { sha256: string; sizeBytes: number } {
    const bytes = new TextEncoder().encode(text)
    this.blobs.set(sha256(bytes), bytes)
    return { sha256: sha256(bytes), sizeBytes: bytes.length }
  }

  readonly transport: Transport = async (path, init) => {
    const call = `${init.method ?? 'GET'} ${path}`
    await this.faults.before?.(call)
    init.signal?.throwIfAborted()
    const response = await this.handle(new Request(`http://server${path}`, init))
    await this.faults.after?.(call)
    return response
  }

  async handle(request: Request): Promise<Response> {
    const url = new URL(request.url)
    this.calls.push(`${request.method} ${url.pathname}`)
    if (this.refuse) return refusal(...this.refuse)
    const parts = url.pathname.split('/').slice(2)
    const reply = await this.#route(request, parts, url)
    this.touch()
    return reply
  }

  async #route(request: Request, parts: string[], url: URL): Promise<Response> {
    const [area = '', id = '', third = '', verb = ''] = parts
    const offset = Number(url.searchParams.get('offset') ?? 0)
    if (area === 'agents' && id === 'join') return this.#join(request)
    if (request.headers.get('authorization') !== 'Bearer hnode_1') {
      return refusal(401, 'unauthorized')
    }
    if (area === 'agents') return this.#sync(request)
    if (area === 'blobs') return this.#blob(request, id, third, offset)
    const job = this.jobs.get(id)
    if (!job || job.attempt !== Number(third) || job.state === 'gone') return refusal(410, 'gone')
    if (verb === 'start') return this.#start(job)
    if (verb === 'finish') return this.#finish(job, (await request.json()) as FinishRequest)
    return this.#append(job, verb as 'log' | 'events', offset, await request.bytes())
  }

  async #join(request: Request): Promise<Response> {
    const { token } = (await request.json()) as { token: string }
    if (token !== 'hjoin_1') return refusal(401, 'unauthorized')
    return Response.json({ node: 'n1', credential: 'hnode_1' }, { status: 201 })
  }

  async #sync(request: Request): Promise<Response> {
    const sync = (await request.json()) as SyncRequest
    this.syncs.push(sync)
    this.touch()
    const held = new Set(sync.holding.map(({ job, attempt }) => `${job}-${attempt}`))
    const reply = () => {
      const jobs = [...this.jobs.values()]
      const busy = jobs.filter(({ state }) => state === 'assigned' || state === 'running').length
      if (sync.accepting) {
        for (const job of jobs
          .filter(({ state }) => state === 'queued')
          .slice(0, sync.capacity.slots - busy)) {
          job.state = 'assigned'
          job.attempt++
        }
      }
      const mine = jobs.filter(({ state }) => state === 'assigned' || state === 'running')
      const isHeld = ({ id, attempt }: FakeJob) => held.has(`${id}-${attempt}`)
      const work = mine.filter((job) => job.state === 'assigned' && !isHeld(job)).map(assignment)
      const want = mine
        .filter((job) => isHeld(job) && job.desired !== 'run')
        .map(({ id, attempt, desired }) => ({ job: id, attempt, desired }))
      const drop = sync.holding.filter(({ job, attempt }) => {
        const known = this.jobs.get(job)
        return known?.attempt !== attempt || !mine.includes(known)
      })
      return { work, want, drop: drop.map(({ job, attempt }) => ({ job, attempt })) }
    }
    const isNews = ({ work, want, drop }: ReturnType<typeof reply>) => {
      const fresh = want.filter(({ job, desired }) => !this.#told.has(`${job} ${desired}`))
      for (const { job, desired } of fresh) this.#told.add(`${job} ${desired}`)
      return work.length + drop.length + fresh.length > 0
    }
    if (sync.waitMs === 0) return Response.json(reply())
    const ended = Promise.withResolvers<void>()
    let over = false
    const end = () => {
      over = true
      ended.resolve()
    }
    request.signal.addEventListener('abort', end)
    const timer = setTimeout(end, sync.waitMs)
    for (let found = reply(); ; found = reply()) {
      if (isNews(found) || over) {
        clearTimeout(timer)
        return Response.json(found)
      }
      await Promise.race([this.#changed.promise, ended.promise])
    }
  }

  #start(job: FakeJob): Response {
    if (job.state !== 'assigned' && job.state !== 'running') return refusal(410, 'gone')
    if (job.state === 'assigned' && job.desired === 'cancel') return refusal(410, 'gone')
    job.state = 'running'
    job.starts++
    return Response.json({ secrets: job.secrets })
  }

  #append(job: FakeJob, stream: 'log' | 'events', offset: number, bytes: Uint8Array): Response {
    const size = job[stream].length
    if (offset > size) return Response.json({ size }, { status: 416 })
    const fresh = bytes.subarray(size - offset)
    if (fresh.length > 0) job[stream] = Buffer.concat([job[stream], fresh])
    return Response.json({ size: job[stream].length })
  }

  #finish(job: FakeJob, finish: FinishRequest): Response {
    if (job.state === 'ended') return Response.json({ state: 'ended' })
    const streams = ['log', 'events'] as const
    if (streams.some((name) => job[name].length < finish[name].size)) {
      return Response.json({ log: job.log.length, events: job.events.length }, { status: 416 })
    }
    const differs = streams.filter(
      (name) => job[name].length !== finish[name].size || sha256(job[name]) !== finish[name].sha256,
    )
    for (const name of differs) job[name] = new Uint8Array()
    if (differs.length > 0) return Response.json({ differs }, { status: 412 })
    const missing = finish.artifacts.filter((one) => !this.blobs.has(one.sha256))
    if (missing.length > 0) {
      return Response.json({ missing: missing.map((one) => one.sha256) }, { status: 424 })
    }
    job.finish = finish
    job.state = 'ended'
    return Response.json({ state: 'ended' })
  }

  async #blob(request: Request, digest: string, verb: string, offset: number): Promise<Response> {
    const whole = this.blobs.get(digest)
    const part = this.partial.get(digest) ?? new Uint8Array()
    if (verb === 'commit') {
      if (whole) return Response.json({})
      this.partial.delete(digest)
      if (sha256(part) !== digest) return refusal(412, 'precondition_failed')
      this.blobs.set(digest, part)
      return Response.json({})
    }
    if (request.method === 'PUT') {
      if (offset > part.length) return Response.json({ size: part.length }, { status: 416 })
      const bytes = (await request.bytes()).subarray(part.length - offset)
      this.partial.set(digest, Buffer.concat([part, bytes]))
      return Response.json({ size: part.length + bytes.length })
    }
    if (!whole) {
      return new Response(null, {
        status: 404,
        headers: { 'x-upload-offset': String(part.length) },
      })
    }
    return new Response(request.method === 'HEAD' ? null : (whole as Uint8Array<ArrayBuffer>))
  }
}

const assignment = ({ id, attempt, plan, stopAfterMs }: FakeJob): Assignment => ({
  job: id,
  attempt,
  plan,
  gpus: [],
  stopAfterMs,
  checkpoint: null,
})
