/** Attempts in containers of a real engine that belongs to one test file and ends with it. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import { createDockerExecutor, type DockerHandle } from '../../../runners/docker/docker.ts'
import type { AttemptFolder } from '../../../runners/executor.ts'
import { type PrivateEngine, startEngine } from '../../../scripts/services/docker.ts'
import type { Outcome, Plan } from '../../../src/jobs/protocol.ts'

const canRun = Boolean(Bun.which('dockerd') && Bun.which('busybox') && process.getuid?.() === 0)

/** Under CI a missing engine is a failure; elsewhere it is said aloud. */
export const hasDocker = canRun || process.env['CI'] === 'true'
if (!hasDocker) {
  process.stderr.write('DOCKER IS MISSING (dockerd, busybox, root): its tests are skipped\n')
}

/** Everything in it is busybox. */
export const boxImage = 'hearth-test:box'
/** One program, and no shell. */
export const bareImage = 'hearth-test:bare'

const boxPrograms = 'awk cat cut dd echo env grep id ls printf seq setsid sh sleep sort tr true yes'

export const openContainers = async () => {
  const engine = await startEngine()
  await engine.image(boxImage, boxPrograms.split(' '))
  await engine.image(bareImage, ['seq'])
  return new ContainerTests(engine)
}

export class ContainerTests {
  readonly engine: PrivateEngine
  readonly base = join(tmpdir(), `hearth-docker-${process.pid}-${crypto.randomUUID().slice(0, 8)}`)
  readonly #begun: DockerHandle[] = []
  #count = 0

  constructor(engine: PrivateEngine) {
    this.engine = engine
  }

  /** As a fresh agent would have it. */
  executor(options: { shared?: readonly string[] } = {}) {
    return createDockerExecutor({
      attemptsDir: this.base,
      dockerHost: this.engine.host,
      pull: 'never',
      ...options,
    })
  }

  attempt(script: string | readonly string[], plan: Partial<Plan> = {}): AttemptFolder {
    const path = join(this.base, `j${++this.#count}-1`)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const command = typeof script === 'string' ? ['sh', '-c', script] : [...script]
    const full: Plan = { command, image: boxImage, graceMs: 5000, ...plan }
    return { path, job: `j${this.#count}`, attempt: 1, gpus: [], plan: full }
  }

  async start(folder: AttemptFolder, env: Readonly<Record<string, string>> = {}) {
    const { events, control, home, tmp } = attemptFiles(folder.path)
    const own = { HEARTH_EVENTS: events, HEARTH_CONTROL: control, HOME: home, TMPDIR: tmp }
    const handle = await this.executor().start(folder, { ...own, ...env })
    this.#begun.push(handle)
    return handle
  }

  /** Runs it to its end. Answers how it ended, without what differs each time, and what it said. */
  async run(
    folder: AttemptFolder,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Record<string, unknown> & { log: string }> {
    const handle = await this.start(folder, env)
    return { ...plain(await this.executor().wait(handle)), log: logOf(folder) }
  }

  /** What the engine has of this node's containers. */
  async containers(): Promise<{ Names: string[]; State: string }[]> {
    const filters = JSON.stringify({ label: [`hearth.node=${this.base}`] })
    const query = new URLSearchParams({ all: '1', filters })
    return this.ask(`/containers/json?${query}`)
  }

  async ask<T>(path: string): Promise<T> {
    const unix = this.engine.host.slice('unix://'.length)
    return (await (await fetch(`http://engine${path}`, { unix })).json()) as T
  }

  async close(): Promise<void> {
    for (const handle of this.#begun.splice(0)) await this.executor().destroy(handle)
    await this.engine.stop()
    rmSync(this.base, { recursive: true, force: true })
  }
}

export const plain = ({ usage: _, ...rest }: Outcome): Record<string, unknown> => rest

export const exited = (exitCode: number) => ({ reason: 'exited' as const, exitCode, signal: null })

export const logOf = ({ path }: AttemptFolder): string => {
  try {
    return readFileSync(attemptFiles(path).log, 'latin1')
  } catch {
    return ''
  }
}

/** Waits for a condition, not for a time. */
export const until = async (what: string, look: () => unknown): Promise<void> => {
  const giveUpAt = performance.now() + 30_000
  while (!(await look())) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain until ${what}`)
    await Bun.sleep(10)
  }
}
