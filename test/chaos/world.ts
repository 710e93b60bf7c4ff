/** A server and its agents as real processes, to be killed and started again. */
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { callJson, type Hearth, startHearth } from '../../scripts/hearth.ts'
import { freePort, waitUntil } from '../../scripts/port.ts'
import { type Link, startLink } from './link.ts'
import { kill, processesOf } from './processes.ts'
import type { Random } from './random.ts'

const main = join(import.meta.dir, '../../src/main.ts')
const slotsPerNode = 4

export interface WorldOptions {
  readonly folder: string
  readonly agents: number
  readonly random: Random
  /** Of each piece of a reply, to be lost on its way to an agent. */
  readonly lossProbability: number
  /** Of the agents; the server's own node has none of them. */
  readonly labels?: readonly string[]
  /** `DATABASE_URL`, say. */
  readonly env?: Readonly<Record<string, string>>
}

/** An agent, its state folder and its link to the server; the process comes and goes. */
export class Node {
  readonly link: Link
  readonly stateDir: string
  #process: Bun.Subprocess | undefined
  readonly name: string
  readonly #labels: readonly string[]

  constructor(folder: string, name: string, link: Link, labels: readonly string[] = []) {
    this.link = link
    this.#labels = labels
    this.name = name
    this.stateDir = join(folder, name)
    mkdirSync(this.stateDir, { recursive: true })
  }

  start(token?: string): void {
    const log = openSync(`${this.stateDir}.log`, 'a')
    const options = ['--server', this.link.origin, '--state', this.stateDir, '--name', this.name]
    this.#process = Bun.spawn(
      [
        process.execPath,
        main,
        'agent',
        ...options,
        ...['--slots', `${slotsPerNode}`, '--labels', this.#labels.join(',')],
        ...(token === undefined ? [] : ['--token', token]),
      ],
      {
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: this.stateDir },
        stdio: ['ignore', log, log],
      },
    )
    closeSync(log)
  }

  /** Everything that its agents have said so far. */
  said(): string {
    return readFileSync(`${this.stateDir}.log`, 'utf8')
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#process?.kill(signal)
    await this.#process?.exited
  }
}

export class World {
  readonly nodes: readonly Node[]
  readonly origin: string
  #server: Hearth | undefined
  readonly #options: WorldOptions
  readonly #port: number

  constructor(options: WorldOptions) {
    this.#options = options
    this.#port = freePort()
    this.origin = `http://127.0.0.1:${this.#port}`
    const { random, lossProbability } = options
    this.nodes = Array.from({ length: options.agents }, (_, index) => {
      const link = startLink(this.origin, () => random.chance(lossProbability))
      return new Node(options.folder, `node-${index}`, link, options.labels)
    })
  }

  async start(): Promise<void> {
    await this.startServer()
    const body = { name: 'chaos', uses: null }
    const { token } = await this.ask<{ token: string }>('POST', '/api/nodes/tokens', body)
    for (const node of this.nodes) node.start(token)
    await waitUntil('all nodes to join', async () => {
      const nodes = await this.ask<unknown[]>('GET', '/api/nodes')
      for (const node of this.nodes) if (!node.isRunning) node.start(token)
      return nodes.length === this.nodes.length + 1
    })
  }

  async startServer(): Promise<void> {
    this.#server = await startHearth({
      dataDir: join(this.#options.folder, 'data'),
      env: {
        RATE_LIMITS: 'off',
        PORT: `${this.#port}`,
        LOCAL_SLOTS: '2',
        ...this.#options.env,
      },
    })
  }

  async killServer(): Promise<void> {
    await this.#server?.end('SIGKILL')
  }

  /** Of the agents and of the server. */
  pids(): number[] {
    return [this.#server?.pid ?? 0, ...this.nodes.map(({ pid }) => pid)]
  }

  serverOutput(): string {
    return this.#server?.output() ?? ''
  }

  ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    return callJson<T>(this.origin, '', method, path, body)
  }

  /** Ends everything, whatever state it is in. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end('SIGKILL')))
    await this.killServer()
    for (const node of this.nodes) node.link.stop()
    for (const { pid } of processesOf(this.#options.folder)) kill(pid)
  }
}
