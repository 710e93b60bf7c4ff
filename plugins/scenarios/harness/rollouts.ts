/** Episodes that agents play for a training: a gateway on loopback, and a harness beside it. */
import { type Scenario, type Split } from '../environment.ts'
import type { Framework } from '../frameworks.ts'
import { type Decide, deciding } from '../gateway/chat-model.ts'
import { answerGateway } from '../gateway/handler.ts'
import { MemoryGateway } from '../gateway/memory.ts'
import type { Trajectory } from '../gateway/trajectory.ts'

export interface HarnessProcess {
  /** Why it ended, in words: it never does so by itself. */
  readonly ended: Promise<string>
  /** Resolves when it is gone. */
  stop(): Promise<void>
}

/** Starts the program that lets agents of the framework play what the gateway hands out. */
export type StartHarness = (framework: Framework, gateway: string) => HarnessProcess

/** Without its harness a training is no longer what was asked for. */
export class HarnessError extends Error {}

export interface HarnessRolloutsOptions {
  readonly scenario: Scenario
  readonly framework: Framework
  readonly start: StartHarness
  /** Who answers when an agent asks its model. */
  readonly decide: Decide
}

/** A harness asks again after so long without work: no request is open for ever. */
const holdMs = 20_000
/** Of one episode, with the time that Python takes to import a framework. */
const patienceMs = 120_000

export class HarnessRollouts {
  readonly gateway = new MemoryGateway()
  readonly #options: HarnessRolloutsOptions
  readonly #server: Bun.Server<undefined>
  readonly #process: HarnessProcess
  readonly #broken: Promise<never>
  #waiting = 0
  #wake: () => void = () => undefined

  constructor(options: HarnessRolloutsOptions) {
    this.#options = options
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      idleTimeout: 0,
      fetch: (request) => this.#answer(request),
    })
    this.#process = options.start(options.framework, this.url)
    this.#broken = this.#process.ended.then((why) => {
      throw new HarnessError(`The harness of ${options.framework} ${why}`)
    })
    // It may end while nobody is waiting for it.
    this.#broken.catch(() => undefined)
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`
  }

  /** One episode from its first word to its verdict. @throws HarnessError if the harness is gone */
  async play(split: Split, episode: number): Promise<Trajectory> {
    const { scenario, framework, decide } = this.#options
    const id = crypto.randomUUID()
    const order = { id, split, episode, model: 'policy', sampleSeed: null }
    const played = this.gateway.offer(scenario, order, deciding(decide))
    this.#waiting++
    this.#wake()
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const seconds = patienceMs / 1000
      const what = `has not played an episode in ${seconds} s`
      late.reject(new HarnessError(`The harness of ${framework} ${what}`))
    }, patienceMs)
    try {
      const trajectory = await Promise.race([played, this.#broken, late.promise])
      if (trajectory.messages?.length) return trajectory
      throw new HarnessError(`The harness of ${framework} has let nobody ask the model`)
    } finally {
      clearTimeout(timer)
    }
  }

  async close(): Promise<void> {
    await this.#process.stop()
    this.gateway.close('The training is over')
    // Nobody waits for work any more.
    this.#wake()
    await this.#server.stop(true)
  }

  async #answer(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== '/next') return answerGateway(this.gateway, request)
    if (this.#waiting === 0) await this.#work()
    // Nothing yet: it is to ask again.
    if (this.#waiting === 0) return new Response(null, { status: 202 })
    this.#waiting--
    return answerGateway(this.gateway, request)
  }

  /** Resolves when there is something to play, or after a while. */
  #work(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, holdMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
