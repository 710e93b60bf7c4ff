/** All that a plugin's test may import: a plugin in a kernel of its own, without port or sleep. */
import { createLimits } from './auth/limits.ts'
import { authMigrations } from './auth/migrations.ts'
import { openAuth } from './auth/open.ts'
import type { Who } from './auth/who.ts'
import type { Clock, Timer } from './kernel/clock.ts'
import { type FileConfig, readSettings } from './kernel/config.ts'
import { createKernel, type Kernel } from './kernel/kernel.ts'
import { type Logger, silentLogger } from './kernel/log.ts'
import { definePlugin, type Plugin, type Service, type Services } from './kernel/plugin.ts'
import { memoryBus } from './live/bus.ts'
import { createHub } from './live/hub.ts'
import type { LiveMessage } from './live/live.ts'
import { memoryBlobs } from './storage/blobs-memory.ts'
import type { Database } from './storage/database.ts'
import { migrate } from './storage/migrate.ts'
import { openDatabase } from './storage/open.ts'

/** A clock that stands still until the test moves it. */
export interface FakeClock extends Clock {
  /** Moves time on, and runs in order what was due on the way. */
  advance(ms: number): void
}

export const fakeClock = (startMs = Date.UTC(2026, 0, 1)): FakeClock => {
  let now = startMs
  let due: { at: number; work: () => void; periodMs: number | undefined }[] = []
  const add = (delayMs: number, work: () => void, periodMs?: number): Timer => {
    const entry = { at: now + delayMs, work, periodMs }
    due.push(entry)
    return {
      cancel: () => {
        due = due.filter((other) => other !== entry)
      },
    }
  }
  return {
    now: () => now,
    after: (delayMs, work) => add(delayMs, work),
    every: (periodMs, work) => add(periodMs, work, periodMs),
    advance(ms) {
      const end = now + ms
      for (;;) {
        const next = due.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        if (!next) break
        now = next.at
        if (next.periodMs === undefined) due = due.filter((other) => other !== next)
        else next.at += next.periodMs
        next.work()
      }
      now = end
    },
  }
}

export interface TestPluginOptions {
  readonly config?: Record<string, unknown>
  /** Stand-ins for the services that the plugin uses, by the name it gives them. */
  readonly services?: Readonly<Record<string, unknown>>
  readonly db?: Database
  readonly clock?: FakeClock
  readonly log?: Logger
  /** `required` as on a server bound to the network. Default: `open`. */
  readonly auth?: 'open' | 'required'
  readonly rateLimits?: 'on' | 'off'
  readonly settings?: FileConfig
}

export interface PluginUnderTest {
  readonly kernel: Kernel
  readonly db: Database
  readonly clock: FakeClock
  /** Everything published so far, in order. */
  readonly published: readonly { topic: string; message: LiveMessage }[]
  /** Sends a request as nobody; `path` begins with a slash. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Registers (once) and logs in a user; the first one is superuser unless `admin` came first. */
  as(username: string): Promise<{
    readonly who: Who
    readonly token: string
    fetch(path: string, init?: RequestInit): Promise<Response>
  }>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Address of every request of a test: the fake socket below has no peer. */
const testAddress = { address: '127.0.0.1', port: 0, family: 'IPv4' } as const

/** Boots one plugin in memory, the whole kernel around it, and hands back doors to knock on. */
export const testPlugin = async (
  plugin: Plugin,
  options: TestPluginOptions = {},
): Promise<PluginUnderTest> => {
  const clock = options.clock ?? fakeClock()
  const log = options.log ?? silentLogger
  const db = options.db ?? (await openDatabase({ dataDir: ':memory:' }))
  await migrate(db, [{ plugin: 'auth', migrations: authMigrations }])
  const auth = await openAuth({
    db,
    secretKey: new Uint8Array(32).fill(7),
    clock,
    log,
    passwordCost: { memoryKiB: 8, passes: 1 },
  })
  const published: { topic: string; message: LiveMessage }[] = []
  const hub = createHub({ bus: memoryBus(), clock, log })
  const recording = {
    ...hub,
    liveOf: (id: string) => {
      const live = hub.liveOf(id)
      return {
        ...live,
        needsData: () => true,
        publish(topic: string, messages: readonly LiveMessage[]) {
          for (const message of messages) published.push({ topic, message })
          live.publish(topic, messages)
        },
      }
    },
  }
  const env = { AUTH: options.auth ?? 'open', RATE_LIMITS: options.rateLimits ?? 'off' }
  const settings = { ...readSettings(env), file: options.settings ?? {} }
  const limits = createLimits({ clock, log, enforced: settings.rateLimited })
  const host = { db, blobs: async () => memoryBlobs(), auth, hub: recording, limits, log, clock }
  const kernel = await createKernel(host, settings, [
    ...standIns(plugin, options.services ?? {}),
    { plugin, config: options.config, optional: false },
  ])
  const send = async (path: string, init: RequestInit = {}, token?: string): Promise<Response> => {
    const request = new Request(`http://localhost${path}`, init)
    if (token !== undefined && !request.headers.has('authorization')) {
      request.headers.set('authorization', `Bearer ${token}`)
    }
    const socket = { upgrade: () => false, requestIP: () => testAddress }
    const response = await kernel.dispatch(request, socket)
    if (!response) throw new Error(`${path} became a WebSocket`)
    return response
  }
  const stop = async () => {
    await kernel.stop()
    await hub.stop()
    limits.stop()
    if (!options.db) await db.close()
  }
  return {
    kernel,
    db,
    clock,
    published,
    fetch: (path, init) => send(path, init),
    async as(username) {
      const password = `password of ${username}`
      const login = () => auth.login({ username, password, ip: testAddress.address })
      const token = await login().catch(async () => {
        await auth.register({ email: `${username}@example.com`, username, password })
        return login()
      })
      const who = (await auth.whoIs(token)) as Who
      return { who, token, fetch: (path, init) => send(path, init, token) }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Plugins that provide nothing but the given stand-ins. */
const standIns = (plugin: Plugin, services: Readonly<Record<string, unknown>>) =>
  Object.entries(plugin.uses ?? {}).map(([name, service], index) => {
    const provides: Services = { [name]: service as Service<unknown> }
    return {
      plugin: definePlugin({
        id: `stand-in-${index}`,
        version: '0.0.0',
        sdk: '*',
        provides,
        setup: () => ({ services: { [name]: services[name] } }),
      }),
      config: undefined,
      optional: false,
    }
  })
