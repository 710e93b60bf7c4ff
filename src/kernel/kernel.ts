/** The kernel: plugins booted over a host's services, and the one function that serves requests. */
import type { Auth } from '../auth/auth.ts'
import { createGuard } from '../auth/guard.ts'
import type { Limits } from '../auth/limits.ts'
import type { Hub } from '../live/hub.ts'
import type { Blobs } from '../storage/blobs.ts'
import type { Database } from '../storage/database.ts'
import { migrate } from '../storage/migrate.ts'
import { sql } from '../storage/sql.ts'
import { type Assembly, assemble, boot, type BootOptions, stopAll } from './boot.ts'
import type { Clock } from './clock.ts'
import type { Settings } from './config.ts'
import { createCors, defaultOrigins } from './cors.ts'
import { createDispatch, type Dispatch, type KernelRoute } from './dispatch.ts'
import { openapiDocument } from './docs/openapi.ts'
import { pageRoutes } from './docs/pages.ts'
import { healthRoute } from './health.ts'
import type { PluginSource } from './instance.ts'
import type { Logger } from './log.ts'
import { bringUp } from './reload.ts'
import { openSocketIo } from './socket-io.ts'

/** What the kernel stands on: opened by the server, or in memory by a test. */
export interface Host {
  readonly db: Database
  /** The blobs of one plugin: a store of its own. */
  readonly blobs: (pluginId: string) => Promise<Blobs>
  readonly auth: Auth
  readonly hub: Hub
  readonly limits: Limits
  readonly log: Logger
  readonly clock: Clock
}

export interface Kernel {
  readonly dispatch: Dispatch
  readonly assembly: () => Assembly
  /**
   * Sets the plugin up anew and swaps it in between two requests; requests in flight finish on
   * the old one.
   * @throws when the new one does not come up; the old one goes on serving then
   */
  reload(source: PluginSource): Promise<void>
  /** Drains and stops every plugin, in reverse order of boot. */
  stop(): Promise<void>
}

const defaultMaxBodyBytes = 16 * 2 ** 20

export const createKernel = async (
  host: Host,
  settings: Settings,
  sources: readonly PluginSource[],
): Promise<Kernel> => {
  const { file } = settings
  const kernelRoutes = new Map<string, KernelRoute>()
  const options: BootOptions = {
    sources,
    host: async (id) => ({
      db: host.db,
      blobs: await host.blobs(id),
      auth: host.auth,
      live: host.hub.liveOf(id),
      log: host.log.with({ plugin: id }),
      clock: host.clock,
    }),
    migrate: async ({ id, migrations = [] }) => {
      await migrate(host.db, [{ plugin: id, migrations }])
    },
    reserved: ['/health', '/openapi.json', ...pageRoutes().keys()],
    startTimeoutMs: file.startTimeoutMs ?? 10_000,
    drainTimeoutMs: file.drainTimeoutMs ?? 10_000,
  }
  let assembly = await boot(options)
  const current = () => assembly
  let document: Promise<object> | undefined
  let stopping = false
  kernelRoutes.set('/openapi.json', async () => {
    document ??= openapiDocument(assembly, settings.authRequired)
    return Response.json(await document)
  })
  const checks = { database: () => host.db.rows(sql`select 1`) }
  kernelRoutes.set('/health', healthRoute(current, checks, Date.now()))
  for (const [path, route] of pageRoutes()) kernelRoutes.set(path, route)
  const { auth, hub, limits, clock, log } = host
  const { authRequired, rateLimited } = settings
  const admission = { auth, limits, authRequired, rateLimited, hub }
  const socketIo = openSocketIo({ ...admission, assembly: current, clock, log })
  const origins = file.corsOrigins ?? defaultOrigins
  return {
    assembly: current,
    dispatch: createDispatch({
      assembly: current,
      isStopping: () => stopping,
      kernelRoutes,
      ...admission,
      socketIo,
      guard: createGuard({
        boundTo: settings.HOST,
        allowedHosts: file.allowedHosts ?? [],
        allowedOrigins: origins,
      }),
      cors: createCors(origins),
      log,
      trustProxy: file.trustProxy ?? false,
      maxBodyBytes: file.maxBodyBytes ?? defaultMaxBodyBytes,
    }),
    async reload(source) {
      const fresh = await bringUp(assembly.slots, source, options)
      const slots = new Map(assembly.slots).set(source.plugin.id, fresh)
      const old = assembly.slots.get(source.plugin.id)
      try {
        assembly = assemble(slots, options.reserved)
      } catch (error) {
        await fresh.instance.stop(0)
        throw error
      }
      document = undefined
      // Open sockets replay through the old version; their readers come back with a cursor.
      host.hub.release(source.plugin.id)
      await old?.instance?.stop(options.drainTimeoutMs)
    },
    stop() {
      stopping = true
      socketIo.stop()
      return stopAll(assembly.slots, options.drainTimeoutMs)
    },
  }
}
