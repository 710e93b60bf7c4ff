/** The routes by which scenarios come from outside, and go. */
import { router, Type as t } from '../../../src/sdk.ts'
import { GymnasiumDefinition, OpenEnvDefinition } from './definition.ts'
import { type OutsideDesk, outsideView } from './desk.ts'

const tags = ['scenarios']

/** A label of the node that describes it. */
const node = t.Optional(t.String({ minLength: 1, maxLength: 200 }))
const closed = { additionalProperties: false } as const

const body = t.Union(
  [
    t.Composite([GymnasiumDefinition, t.Object({ node })], closed),
    t.Composite([OpenEnvDefinition, t.Object({ node })], closed),
  ],
  {
    examples: [
      {
        kind: 'gymnasium',
        id: 'acrobot',
        environment: 'Acrobot-v1',
        requirements: ['gymnasium==1.3.0'],
      },
    ],
  },
)

export const outsideRoutes = (desk: OutsideDesk) =>
  router()
    .post(
      '/api/scenarios',
      async ({ body: { node: where, ...definition }, who }) =>
        outsideView(await desk.define(who, definition, where)),
      {
        body,
        detail: { tags, summary: 'Take in a scenario from outside; a job finds out what it is' },
      },
    )
    .delete(
      '/api/scenarios/:id',
      async ({ params, who }) => {
        await desk.remove(who, params.id)
        return { status: 'deleted' }
      },
      { detail: { tags, summary: 'Forget a scenario from outside' } },
    )
