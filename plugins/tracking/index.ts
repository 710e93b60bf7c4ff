/** The tracking plugin: projects, runs, their metrics, files, live channels, and logins. */
import { definePlugin, detailDialect, router, t } from '../../src/sdk.ts'
import { RunAccess } from './access.ts'
import { accountRoutes } from './accounts.ts'
import { Artifacts } from './artifacts/artifacts.ts'
import { artifactMigrations } from './artifacts/migrations.ts'
import { artifactRoutes } from './artifacts/routes.ts'
import { uploadRoutes } from './artifacts/upload-routes.ts'
import { compareRoutes } from './compare.ts'
import { Console } from './console.ts'
import { exportRoutes } from './export/routes.ts'
import { importRoutes } from './import/routes.ts'
import { publishPoints, runChannel } from './live.ts'
import { pointMigrations } from './points/migrations.ts'
import { openPointStore } from './points/open.ts'
import { Projects } from './projects.ts'
import { ingestRoutes } from './routes-ingest.ts'
import { lifecycleRoutes } from './routes-lifecycle.ts'
import { metricRoutes } from './routes-metrics.ts'
import { projectRoutes } from './routes-projects.ts'
import { runRoutes } from './routes-runs.ts'
import { Runs } from './runs.ts'
import { trackingMigrations } from './schema.ts'
import { searchMigrations } from './search/migrations.ts'
import { searchRoutes } from './search/routes.ts'
import { tracking } from './service.ts'
import { RunState } from './state.ts'
import { Trash } from './trash.ts'

const config = t.Object({
  crashAfterMs: t.Number({
    minimum: 1000,
    default: 5 * 60 * 1000,
    description: 'A running run that is silent for longer reads as crashed',
  }),
  publicReads: t.Boolean({
    default: false,
    description: 'Whether live channels of public projects can be opened without a login',
  }),
  maxArtifactBytes: t.Number({
    minimum: 1,
    default: 50 * 2 ** 30,
    description: 'The largest file that a run takes',
  }),
  maxImportBytes: t.Number({
    minimum: 1,
    default: 2 ** 30,
    description: 'The largest file of metrics that can be imported, after inflation',
  }),
})

export default definePlugin({
  id: 'tracking',
  version: '1.0.0',
  sdk: '>=0.1.0',
  config,
  provides: { tracking },
  dialect: { ...detailDialect, validationStatus: 400 },
  access: 'token',
  migrations: [
    ...trackingMigrations,
    ...artifactMigrations,
    ...pointMigrations,
    ...searchMigrations,
  ],
  async setup({ db, blobs, auth, live, log, clock, config }) {
    const points = await openPointStore({ db, clock, log })
    const access = new RunAccess(db, clock)
    const state = new RunState({ db, clock, log, crashAfterMs: config.crashAfterMs })
    const projects = new Projects(db, clock, () => access.forget())
    const runs = new Runs({ db, clock, points, projects, access, state })
    const maxBytes = config.maxArtifactBytes
    const artifacts = new Artifacts({ db, blobs, clock, maxBytes })
    const deleteArtifacts = (runId: number) => artifacts.deleteRun(runId)
    const trash = new Trash({ db, points, projects, runs, access, deleteArtifacts })
    publishPoints(points, live)
    await artifacts.sweep()
    return {
      routes: router()
        .use(ingestRoutes({ points, access, state }))
        .use(accountRoutes(auth))
        .use(projectRoutes(projects, trash))
        .use(lifecycleRoutes({ runs, access, state, output: new Console(db, clock) }))
        .use(runRoutes({ runs, trash, state }))
        .use(metricRoutes({ points, access }))
        .use(artifactRoutes({ artifacts, access, maxBytes }))
        .use(uploadRoutes({ artifacts, access, maxBytes }))
        .use(searchRoutes({ db, clock, points, projects, state }))
        .use(compareRoutes({ runs, points, state }))
        .use(exportRoutes({ points, runs }))
        .use(importRoutes({ points, runs, maxBytes: config.maxImportBytes })),
      channels: [runChannel({ points, access, publicReads: config.publicReads })],
      services: { tracking: { projects, runs, points, state } },
      async stop() {
        try {
          await state.stop()
        } finally {
          await points.close()
        }
      },
    }
  },
})
