/** A machine that runs an agent: either may be killed and begun again, the programs run on. */
import { join } from 'node:path'
import { createAgent } from '../../runners/agent.ts'
import { attemptFiles } from '../../runners/attempt-files.ts'
import { createDummyExecutor } from '../../runners/dummy.ts'
import type { AttemptFolder, Executor } from '../../runners/executor.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import { adoptFiles, outside } from './files.ts'
import { Life, never } from './life.ts'
import { calmWeather, type Link, transportOf } from './network.ts'
import type { Chance } from './random.ts'
import type { SimServer } from './server.ts'
import { clockOf, type VirtualTime, type WallClock } from './time.ts'
import type { Performance, Truth } from './truth.ts'

export interface HostOptions {
  readonly name: string
  readonly root: string
  readonly time: VirtualTime
  readonly server: SimServer
  readonly truth: Truth
  readonly chance: Chance
  readonly credential: string
  readonly slots: number
  readonly gpus: number
  readonly answered: (host: string, path: string, status: number) => void
}

/** How often what watches a program looks at its deadline. */
const lookMs = 250
export const checkpointName = 'model.ckpt'

export class Host {
  readonly name: string
  readonly link: Link = { weather: calmWeather, isCut: false }
  readonly wall: WallClock = { skewMs: 0 }
  readonly stateDir: string
  readonly #options: HostOptions
  #machine = new Life()
  #agent = new Life()
  #executor: Executor | null = null
  #bootedMs = 0
  readonly #running = new Map<string, Performance>()

  constructor(options: HostOptions) {
    this.#options = options
    this.name = options.name
    this.stateDir = join(options.root, options.name)
    this.#agent.end()
    adoptFiles(`${this.stateDir}/`, () => this.#agent)
    outside.mkdirSync(this.stateDir, { recursive: true })
    this.bootMachine()
  }

  get isAgentUp(): boolean {
    return !this.#agent.isOver
  }

  get attemptsOnDisk(): string[] {
    return outside.readdirSync(join(this.stateDir, 'attempts'))
  }

  get programs(): number {
    return this.#running.size
  }

  bootMachine(): void {
    const { time } = this.#options
    this.#machine = new Life()
    this.#bootedMs = time.nowMs
    this.#executor = createDummyExecutor({ clock: clockOf(time, this.wall, this.#machine) })
  }

  /** Agent and programs are gone in the same moment; the disk stays. */
  crashMachine(): void {
    this.#agent.end()
    this.#machine.end()
    for (const [path, one] of this.#running) {
      one.endedMs = this.#options.time.nowMs
      one.log = textOf(attemptFiles(path).log)
    }
    this.#running.clear()
    this.bootMachine()
  }

  killAgent(): void {
    this.#agent.end()
  }

  /** Dies by itself, in the middle of whatever it then does to its disk. */
  killAgentAfter(acts: number): void {
    this.#agent.actsLeft = acts
  }

  async startAgent(): Promise<void> {
    const { time, server, credential, chance, slots, gpus, answered } = this.#options
    const life = new Life()
    this.#agent = life
    const own = chance.fork()
    const agent = await createAgent({
      stateDir: this.stateDir,
      transport: transportOf({
        time,
        server,
        life,
        link: this.link,
        chance: own.fork(),
        answered: (path, status) => answered(this.name, path, status),
      }),
      credential,
      version: '0',
      executors: [this.#executorFor(life)],
      log: silentLogger,
      clock: clockOf(time, this.wall, life),
      random: own.next,
      monotonicMs: () => time.nowMs - this.#bootedMs,
      capacity: async () => ({
        slots,
        cpus: 8,
        memoryBytes: 2 ** 34,
        gpus: Array.from({ length: gpus }, (_, at) => ({
          uuid: `${this.name}-gpu-${at}`,
          model: 'simulated',
          memoryBytes: 2 ** 34,
        })),
        labels: [],
        sandboxes: ['none'],
      }),
    })
    const fail = (error: unknown) => this.#options.truth.troubles.push(`${this.name}: ${error}`)
    void agent.run().catch(fail)
  }

  /** The machine's executor as one agent sees it: it learns nothing once it is dead. */
  #executorFor(agent: Life): Executor {
    const inner = this.#executor as Executor
    const gate = async <T>(work: Promise<T>): Promise<T> => {
      const result = await work
      return agent.isOver ? never : result
    }
    return {
      name: inner.name,
      probe: () => gate(inner.probe()),
      start: async (folder, env) => {
        if (!agent.acts()) return never
        return gate(this.#start(inner, folder, env))
      },
      recover: (folder) => gate(inner.recover(folder)),
      stop: (handle, why) => gate(inner.stop(handle, why)),
      wait: (handle) => gate(inner.wait(handle)),
      destroy: (handle) => gate(inner.destroy(handle)),
    }
  }

  async #start(inner: Executor, folder: AttemptFolder, env: Readonly<Record<string, string>>) {
    const { time, truth } = this.#options
    const files = attemptFiles(folder.path)
    const isFirst = !outside.existsSync(files.claimed)
    if (isFirst) {
      const { job, attempt, path } = folder
      this.#running.set(path, truth.began(job, attempt, this.name, time.nowMs))
      outside.mkdirSync(files.work, { recursive: true })
      outside.writeFileSync(join(files.work, checkpointName), `weights of attempt ${attempt}`)
    }
    const handle = await inner.start(folder, env)
    if (isFirst) this.#watch(inner, folder)
    return handle
  }

  /** What a shim does: keeps the deadline, and knows the end. */
  #watch(inner: Executor, folder: AttemptFolder): void {
    const { time } = this.#options
    const machine = this.#machine
    const files = attemptFiles(folder.path)
    const looking = clockOf(time, this.wall, machine).every(lookMs, () => {
      const deadlineMs = Number.parseInt(textOf(files.deadline), 10)
      if (time.nowMs - this.#bootedMs > deadlineMs) void inner.stop({ folder }, 'deadline')
    })
    void inner.wait({ folder }).then((outcome) => {
      looking.cancel()
      const one = this.#running.get(folder.path)
      if (!one || machine.isOver) return
      Object.assign(one, { outcome, endedMs: time.nowMs, log: textOf(files.log) })
      this.#running.delete(folder.path)
    })
  }
}

const textOf = (path: string): string =>
  outside.existsSync(path) ? outside.readFileSync(path, 'utf8') : ''
