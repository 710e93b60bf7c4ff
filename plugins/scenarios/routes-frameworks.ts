/** The routes of frameworks: which of them run agents here, and how to find out. */
import { router, Type as t } from '../../src/sdk.ts'
import { frameworks } from './frameworks.ts'
import type { Probes } from './harness/probes.ts'

const tags = ['frameworks']
const params = t.Object({ name: t.Union(frameworks.map((name) => t.Literal(name))) })

export const frameworkRoutes = (probes: Probes) =>
  router()
    .get('/api/frameworks', () => probes.list(), {
      detail: { tags, summary: 'List the frameworks that can run agents' },
    })
    .post(
      '/api/frameworks/:name/probe',
      async ({ params: { name }, body, who }) => ({
        job_id: await probes.begin(who, name, body?.node),
        status: 'started',
      }),
      {
        params,
        body: t.Optional(
          t.Object({ node: t.Optional(t.String({ minLength: 1, maxLength: 200 })) }),
        ),
        detail: { tags, summary: 'Install a framework on a node and see whether it works' },
      },
    )
