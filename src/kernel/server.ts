/** A running server: opens what the settings name, boots the plugins, listens, and ends cleanly. */
import type { Auth } from '../auth/auth.ts'
import { budgetsFrom, createLimits } from '../auth/limits.ts'
import { authMigrations } from '../auth/migrations.ts'
import { openAuth } from '../auth/open.ts'
import { readSecretKey } from '../auth/secret.ts'
import { memoryBus, redisBus } from '../live/bus.ts'
import { createHub } from '../live/hub.ts'
import { type SocketData, socketHandler } from '../live/sockets.ts'
import { openBlobs } from '../storage/blobs.ts'
import { lockDataDir } from '../storage/lock.ts'
import { migrate } from '../storage/migrate.ts'
import { openDatabase } from '../storage/open.ts'
import { bootTree } from './boot-tree.ts'
import { systemClock } from './clock.ts'
import type { Settings } from './config.ts'
import type { PluginSource } from './instance.ts'
import { createKernel, type Kernel } from './kernel.ts'
import type { Logger } from './log.ts'

export interface RunningServer {
  /** `http://HOST:PORT` with the port that was really taken. */
  readonly url: string
  readonly kernel: Kernel
  readonly auth: Auth
  /** Refuses new connections, lets requests in flight finish, stops everything in reverse order. */
  stop(): Promise<void>
}

/** Bodies are bounded per route by the kernel; artifacts may be large. */
const maxRequestBodySize = 2 ** 40

/** Long enough for a slow upload's pauses; WebSockets have their own heartbeat. */
const idleTimeoutS = 120

export const startServer = async (
  settings: Settings,
  sources: readonly PluginSource[],
  log: Logger,
): Promise<RunningServer> => {
  const undo: (() => unknown)[] = []
  const unwind = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const clock = systemClock
    const lock = await lockDataDir(settings.DATA_DIR)
    undo.push(() => lock.release())
    const db = await openDatabase({
      dataDir: settings.DATA_DIR,
      databaseUrl: settings.DATABASE_URL,
    })
    undo.push(() => db.close())
    const blobs = (namespace: string) =>
      openBlobs({ dataDir: settings.DATA_DIR, namespace, env: process.env })
    await migrate(db, [{ plugin: 'auth', migrations: authMigrations }])
    const secretKey = await readSecretKey(settings.DATA_DIR, settings.SECRET_KEY)
    const auth = await openAuth({
      db,
      secretKey,
      clock,
      log: log.with({ part: 'auth' }),
      minPasswordLength: settings.authRequired ? 8 : 4,
    })
    const bus = settings.REDIS_URL ? await redisBus(settings.REDIS_URL, log) : memoryBus()
    undo.push(() => bus.close())
    const hub = createHub({ bus, clock, log: log.with({ part: 'live' }) })
    undo.push(() => hub.stop())
    const limits = createLimits({
      clock,
      log,
      enforced: settings.rateLimited,
      budgets: budgetsFrom(settings.file.rateLimits ?? {}),
      ...(bus.counter && { shared: bus.counter }),
    })
    undo.push(() => limits.stop())
    const kernel = await createKernel(
      { db, blobs, auth, hub, limits, log, clock },
      settings,
      sources,
    )
    undo.push(() => kernel.stop())
    log.info(bootTree(kernel.assembly()))
    const server = listen({
      port: settings.PORT,
      hostname: settings.HOST,
      reusePort: false,
      maxRequestBodySize,
      idleTimeout: idleTimeoutS,
      websocket: socketHandler(hub),
      fetch: (request, socket) => kernel.dispatch(request, socket) as Promise<Response>,
    })
    const stop = async () => {
      // Nothing new is accepted; what is in flight ends before anything is taken away from it.
      void server.stop()
      await kernel.stop()
      await hub.stop()
      await lastAnswers(server)
      await server.stop(true)
      await unwind()
    }
    const host = settings.HOST.includes(':') ? `[${settings.HOST}]` : settings.HOST
    return { url: `http://${host}:${server.port}`, kernel, auth, stop }
  } catch (error) {
    await unwind()
    throw error
  }
}

/** Long polls are answered when the hub stops; that answer is still to reach its client. */
const lastAnswersMs = 1_000

const lastAnswers = async (server: { readonly pendingRequests: number }): Promise<void> => {
  const end = Date.now() + lastAnswersMs
  while (server.pendingRequests > 0 && Date.now() < end) await Bun.sleep(2)
}

/** @throws Error that says what to do when the address cannot be taken */
const listen = (options: Parameters<typeof Bun.serve<SocketData>>[0]) => {
  try {
    return Bun.serve<SocketData>(options)
  } catch (error) {
    const { code } = error as { code?: string }
    const { hostname, port } = options as { hostname?: string; port?: number }
    const where = `${hostname}:${port}`
    if (code === 'EADDRINUSE') throw new Error(`${where} is in use: set PORT to another one`)
    if (code === 'EADDRNOTAVAIL')
      throw new Error(`${where} is no address of this machine: set HOST`)
    throw error
  }
}
