/** What stands at the root of the API: where everything is, as AgentGym's server tells it. */
import { router } from '../../src/sdk.ts'

export const rootRoutes = (version: string) =>
  router().get(
    '/',
    () => ({
      message: 'Hearth',
      version,
      endpoints: {
        scenarios: '/api/scenarios',
        training: '/api/training',
        models: '/api/models',
        settings: '/api/settings',
        websocket: '/ws/training/{session_id}',
      },
      docs: '/docs',
      health: '/health',
    }),
    { detail: { tags: ['scenarios'], summary: 'Tell where everything is' } },
  )
