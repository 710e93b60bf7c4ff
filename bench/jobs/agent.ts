/** An agent that only speaks: it claims, starts and finishes, and runs nothing. */
import { Connection, encodeRequest } from '../../scripts/http.ts'
import type { SyncReply } from '../../src/jobs/protocol.ts'

const emptyStream = {
  size: 0,
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
}
const finish = JSON.stringify({
  outcome: { reason: 'exited', exitCode: 0, signal: null },
  log: emptyStream,
  events: emptyStream,
  artifacts: [],
})

export interface Work {
  readonly job: string
  readonly attempt: number
}

export class SpeakingAgent {
  readonly #origin: string
  readonly #credential: string
  readonly #slots: number
  readonly #boot = crypto.randomUUID()
  readonly #idle: Connection[] = []

  private constructor(origin: string, credential: string, slots: number) {
    this.#origin = origin
    this.#credential = credential
    this.#slots = slots
  }

  static async join(
    origin: string,
    token: string,
    name: string,
    slots: number,
  ): Promise<SpeakingAgent> {
    const reply = await fetch(`${origin}/api/agents/join`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, name, protocol: '1.0', version: '0.1.0' }),
    })
    if (!reply.ok) throw new Error(`join: ${reply.status} ${await reply.text()}`)
    const { credential } = (await reply.json()) as { credential: string }
    return new SpeakingAgent(origin, credential, slots)
  }

  async sync(holding: readonly Work[], waitMs: number): Promise<SyncReply> {
    const body = {
      boot: this.#boot,
      protocol: '1.0',
      version: '0.1.0',
      capacity: {
        slots: this.#slots,
        cpus: 1024,
        memoryBytes: 2 ** 40,
        gpus: [],
        labels: ['os=linux', 'arch=x64'],
        sandboxes: ['none'],
      },
      accepting: true,
      holding: holding.map(({ job, attempt }) => ({ job, attempt, phase: 'running' })),
      waitMs,
    }
    const reply = await this.#send('/api/agents/sync', JSON.stringify(body))
    return JSON.parse(reply) as SyncReply
  }

  async start({ job, attempt }: Work): Promise<void> {
    await this.#send(`/api/attempts/${job}/${attempt}/start`, '{}')
  }

  async finish({ job, attempt }: Work): Promise<void> {
    await this.#send(`/api/attempts/${job}/${attempt}/finish`, finish)
  }

  close(): void {
    for (const connection of this.#idle) connection.close()
  }

  async #send(path: string, body: string): Promise<string> {
    let connection = this.#idle.pop()
    if (!connection || connection.closed) connection = await Connection.open(this.#origin)
    const request = encodeRequest(this.#origin, {
      method: 'POST',
      path,
      body,
      token: this.#credential,
    })
    const reply = await connection.send(request)
    this.#idle.push(connection)
    if (reply.status === 200) return reply.body.toString()
    throw new Error(`${path}: ${reply.status} ${reply.body.toString().slice(0, 500)}`)
  }
}
