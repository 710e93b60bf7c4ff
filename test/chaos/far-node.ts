/** A server, a node in another network, and a person who runs something there and watches. */
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { callJson, type Hearth, signUp, startHearth } from '../../scripts/hearth.ts'
import { freePort, waitUntil } from '../../scripts/port.ts'
import { type Link, startLink } from './link.ts'
import type { Namespace } from './namespace.ts'

const main = join(import.meta.dir, '../../src/main.ts')
const path = '/usr/local/bin:/usr/bin:/bin'
const patienceMs = 60_000

const linesIn = (text: string): number => text.split('\n').length - 1

export class FarNode {
  readonly link: Link
  readonly #folder: string
  readonly #network: Namespace
  readonly #port = freePort()
  #server: Hearth | undefined
  #agent: Bun.Subprocess | undefined
  #token = ''
  #joinToken = ''

  constructor(folder: string, network: Namespace) {
    this.#folder = folder
    this.#network = network
    this.link = startLink(this.#origin, () => false, network.address)
  }

  get #origin(): string {
    return `http://${this.#network.address}:${this.#port}`
  }

  async start(): Promise<void> {
    await this.startServer()
    this.#token = await signUp(this.#origin)
    const said = await this.hearth(this.#folder, 'nodes', 'token')
    this.#joinToken = /hjoin_\S+/.exec(said)?.[0] ?? ''
    this.startAgent()
  }

  async startServer(): Promise<void> {
    const env = { HOST: this.#network.address, PORT: `${this.#port}`, LOCAL_SLOTS: '0' }
    this.#server = await startHearth({ dataDir: join(this.#folder, 'data'), env })
  }

  async killServer(): Promise<void> {
    await this.#server?.end('SIGKILL')
  }

  startAgent(): void {
    const log = openSync(join(this.#folder, 'agent.log'), 'a')
    const options = ['--name', 'far', '--state', join(this.#folder, 'state')]
    this.#agent = Bun.spawn(
      [
        ...this.#network.prefix,
        ...[process.execPath, main, 'agent', ...options],
        ...['--server', this.link.origin, '--token', this.#joinToken],
      ],
      { env: { PATH: path, HOME: this.#folder }, stdio: ['ignore', log, log] },
    )
    closeSync(log)
  }

  async killAgent(): Promise<void> {
    this.#agent?.kill('SIGKILL')
    await this.#agent?.exited
  }

  /** A verb of the command line, as a person would say it in the folder `cwd`. */
  hearth(cwd: string, ...args: string[]): Promise<string> {
    return must([process.execPath, main, ...args], { cwd, env: this.#env })
  }

  /** `hearth run`, watched as it goes. */
  watch(cwd: string, command: readonly string[]): Watched {
    return new Watched([process.execPath, main, 'run', '--', ...command], cwd, this.#env)
  }

  ask<T>(where: string): Promise<T> {
    return callJson<T>(this.#origin, this.#token, 'GET', where)
  }

  /** Lines that the program has printed, whoever has seen them. */
  printed(): number {
    const attempts = join(this.#folder, 'state/attempts')
    const names = readdirSync(attempts)
    if (names.length !== 1) throw new Error(`There are ${names.length} attempts: ${names}`)
    return linesIn(readFileSync(join(attempts, names[0] ?? '', 'log'), 'utf8'))
  }

  /** Until the program has printed so many lines more. */
  async goesOn(lines: number): Promise<void> {
    const goal = this.printed() + lines
    await waitUntil(`line ${goal} on the node`, () => this.printed() >= goal, patienceMs)
  }

  async stop(): Promise<void> {
    await this.killAgent()
    await this.killServer()
    this.link.stop()
  }

  get #env(): Record<string, string> {
    const env = { PATH: path, HOME: this.#folder }
    return { ...env, HEARTH_URL: this.#origin, HEARTH_TOKEN: this.#token }
  }
}

/** What `hearth run` shows, while it shows it. */
export class Watched {
  readonly #process: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  readonly #reading: Promise<unknown>
  output = ''
  #remarks = ''

  constructor(argv: readonly string[], cwd: string, env: Record<string, string>) {
    this.#process = Bun.spawn([...argv], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const read = async (from: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      const decoder = new TextDecoder()
      for await (const bytes of from) take(decoder.decode(bytes, { stream: true }))
    }
    this.#reading = Promise.all([
      read(this.#process.stdout, (text) => (this.output += text)),
      read(this.#process.stderr, (text) => (this.#remarks += text)),
    ])
  }

  /** Until so many lines were shown. @throws when it ends before */
  async shows(lines: number): Promise<void> {
    await waitUntil(
      `${lines} lines at the watcher`,
      () => {
        if (linesIn(this.output) >= lines) return true
        const { exitCode } = this.#process
        if (exitCode === null) return false
        throw new Error(`hearth run has ended with ${exitCode}:\n${this.#remarks}`)
      },
      patienceMs,
    )
  }

  /** Resolves with its exit code. */
  async ends(): Promise<number> {
    await this.#reading
    return this.#process.exited
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#process.exited
  }
}
