/** The server's own routes, compiled once for all the servers of a simulation. */
import { Artifacts } from '../../src/jobs/artifacts.ts'
import { appendRoutes } from '../../src/jobs/attempt-log-routes.ts'
import type { Engine } from '../../src/jobs/engine.ts'
import { agentRoutes } from '../../src/jobs/routes-agents.ts'
import type { StreamsHost } from '../../src/jobs/streams.ts'
import { Uploads } from '../../src/jobs/uploads.ts'
import { uploadRoutes } from '../../src/jobs/uploads-routes.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { router } from '../../src/kernel/router.ts'
import type { Blobs } from '../../src/storage/blobs.ts'
import type { Database } from '../../src/storage/database.ts'

/** What the routes of one server stand on. */
export interface Served {
  readonly engine: Engine
  readonly host: StreamsHost
  readonly blobs: Blobs
  readonly uploads: Uploads
  readonly artifacts: Artifacts
  readonly refuse: (error: unknown) => Response
}

const maxBytes = 2 ** 40

export const contentOf = (options: {
  readonly db: Database
  readonly blobs: Blobs
  readonly clock: Clock
}) => ({
  uploads: new Uploads({ ...options, maxBytes, quotaBytes: 2 ** 43 }),
  artifacts: new Artifacts({ ...options, log: silentLogger }),
})

let served: Served | null = null

/** Stands for a part of whichever server is asked at the moment. */
const current = <T extends object>(part: (served: Served) => T): T =>
  new Proxy({} as T, {
    get(_, name) {
      const target = part(served as Served)
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

const engine = {
  nodes: current(({ engine }) => engine.nodes),
  tokens: current(({ engine }) => engine.tokens),
  sync: current(({ engine }) => engine.sync),
  attempts: current(({ engine }) => engine.attempts),
} as Engine
const host = current(({ host }) => host)

const app = router()
  .onError({ as: 'global' }, ({ error }) => (served as Served).refuse(error))
  .use(agentRoutes(engine))
  .use(
    appendRoutes({
      host,
      append: (job, attempt, stream, offset, bytes) =>
        (served as Served).engine.streams.append(job.id, attempt, stream, offset, bytes),
      keep: async () => [],
      maxBytes,
    }),
  )
  .use(
    uploadRoutes({
      host,
      uploads: current(({ uploads }) => uploads),
      artifacts: current(({ artifacts }) => artifacts),
      blobs: current(({ blobs }) => blobs),
      maxBytes,
    }),
  )

export const handle = async (by: Served, request: Request): Promise<Response> => {
  served = by
  return app.handle(request)
}
