/** `GET /health`: whether the server serves, and which parts of it do not. */
import type { Assembly } from './boot.ts'
import { sdkVersion } from './boot.ts'

export interface HealthChecks {
  /** Rejects when the database does not answer. */
  readonly database: () => Promise<unknown>
}

interface PluginHealth {
  readonly state: 'running' | 'failed' | 'blocked'
  readonly version: string
  readonly reason?: string
}

export const healthRoute =
  (assembly: () => Assembly, checks: HealthChecks, startedAt: number) =>
  async (): Promise<Response> => {
    const database = await checks.database().then(
      () => 'ok',
      () => 'unavailable',
    )
    const plugins: Record<string, PluginHealth> = {}
    for (const [id, { state, plugin, reason }] of assembly().slots) {
      plugins[id] = { state, version: plugin.version, ...(reason !== undefined && { reason }) }
    }
    const whole = Object.values(plugins).every(({ state }) => state === 'running')
    const healthy = database === 'ok'
    return Response.json(
      {
        status: healthy ? (whole ? 'healthy' : 'degraded') : 'unhealthy',
        version: sdkVersion,
        uptime_s: Math.round((Date.now() - startedAt) / 1000),
        database,
        plugins,
      },
      { status: healthy ? 200 : 503 },
    )
  }
