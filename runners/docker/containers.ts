/** The container operations that an attempt needs, each of them safe to repeat. */
import { type Engine, EngineAwayError, EngineError, isMissing } from './engine.ts'
import type { ContainerSpec } from './container-spec.ts'

export interface ContainerState {
  readonly Status: string
  readonly Running: boolean
  readonly OOMKilled: boolean
  readonly ExitCode: number
  readonly Error: string
  readonly StartedAt: string
  readonly FinishedAt: string
}

export interface ContainerInfo {
  readonly Id: string
  readonly State: ContainerState
}

export interface ContainerUsage {
  readonly cpuMs: number
  readonly memoryBytes: number
}

/** What the engine makes of a signal to something that does not run (any more). */
const notRunning = 409
/** What it makes of a start of something that runs already. */
const started = 304

const pathOf = (container: string) => `/containers/${encodeURIComponent(container)}`

export const containersOf = (engine: Engine) => ({
  async create(name: string, spec: ContainerSpec): Promise<void> {
    await engine.call('POST', '/containers/create', { query: { name }, body: spec })
  },

  async start(name: string): Promise<void> {
    try {
      await engine.call('POST', `${pathOf(name)}/start`)
    } catch (error) {
      if (!(error instanceof EngineError && error.status === started)) throw error
    }
  },

  /** Null when there is none. */
  async inspect(name: string): Promise<ContainerInfo | null> {
    try {
      const response = await engine.call('GET', `${pathOf(name)}/json`)
      return (await response.json()) as ContainerInfo
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  },

  /** Resolves when it does not run, or is gone. @throws EngineAwayError */
  async untilStopped(name: string, signal: AbortSignal): Promise<void> {
    try {
      const response = await engine.call('POST', `${pathOf(name)}/wait`, { signal })
      await response.arrayBuffer()
    } catch (error) {
      if (isMissing(error)) return
      if (error instanceof EngineError || signal.aborted) throw error
      // An engine that goes down cuts the answer short.
      throw new EngineAwayError('The container engine hung up', { cause: error })
    }
  },

  async kill(name: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    try {
      await engine.call('POST', `${pathOf(name)}/kill`, { query: { signal } })
    } catch (error) {
      const isOver = error instanceof EngineError && error.status === notRunning
      if (!isOver && !isMissing(error)) throw error
    }
  },

  /** Kills what runs in it, and takes its nameless volumes with it. */
  async remove(name: string): Promise<void> {
    for (;;) {
      try {
        await engine.call('DELETE', pathOf(name), { query: { force: '1', v: '1' } })
        return
      } catch (error) {
        if (isMissing(error)) return
        // Somebody else's removal is under way.
        if (!(error instanceof EngineError && error.status === notRunning)) throw error
        if ((await this.inspect(name)) === null) return
        await Bun.sleep(50)
      }
    }
  },

  /** Also of one that was never started. */
  async hasFile(name: string, path: string): Promise<boolean> {
    try {
      await engine.call('HEAD', `${pathOf(name)}/archive`, { query: { path } })
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  },

  async listByLabel(label: string): Promise<{ id: string; labels: Record<string, string> }[]> {
    const query = { all: '1', filters: JSON.stringify({ label: [label] }) }
    const response = await engine.call('GET', '/containers/json', { query })
    const found = (await response.json()) as { Id: string; Labels: Record<string, string> }[]
    return found.map(({ Id, Labels }) => ({ id: Id, labels: Labels }))
  },

  /** What it uses at this moment; null when it does not run. */
  async usage(name: string): Promise<ContainerUsage | null> {
    const query = { stream: '0', 'one-shot': '1' }
    const response = await engine.call('GET', `${pathOf(name)}/stats`, { query })
    const { cpu_stats: cpu, memory_stats: memory } = (await response.json()) as Stats
    if (memory?.usage === undefined) return null
    return {
      cpuMs: (cpu?.cpu_usage?.total_usage ?? 0) / 1e6,
      // Engines with control groups of the first version know the peak themselves.
      memoryBytes: memory.max_usage ?? memory.usage,
    }
  },

  /** Frames of the container's own log, from its beginning. */
  async logs(name: string, follow: boolean, signal: AbortSignal): Promise<Response> {
    const query = { stdout: '1', stderr: '1', follow: follow ? '1' : '0' }
    return engine.call('GET', `${pathOf(name)}/logs`, { query, signal })
  },
})
export type Containers = ReturnType<typeof containersOf>

interface Stats {
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } }
  readonly memory_stats?: { readonly usage?: number; readonly max_usage?: number }
}
