/** The routes of runs: create, list, read, change, delete. */
import { router, type SQL, sql, t } from '../../src/sdk.ts'
import { readJson } from './body.ts'
import { documented, flagOf, idOf, integerOf, invalid, pageOf, queryOf } from './parameters.ts'
import { newRunBody, newRunOf, runChangeBody, runChangeOf } from './run-bodies.ts'
import type { RunQuery, Runs } from './runs.ts'
import { compileFilter } from './search/compile.ts'
import { sortKeys } from './search/order.ts'
import { parseFilter, parseOrder } from './search/parse.ts'
import { isRunStatus, type RunState, runStatuses } from './state.ts'
import type { Trash } from './trash.ts'
import { messageSchema, runSchema, runSummarySchema, runSummaryView, runView } from './views.ts'

export interface RunRoutesOptions {
  readonly runs: Runs
  readonly trash: Trash
  readonly state: RunState
}

const listParameters = [
  documented.query('project_id', { type: 'integer', minimum: 1 }, 'Only runs of this project'),
  documented.query('status', { type: 'string', enum: runStatuses }, 'Only runs in this state'),
  documented.query(
    'tag',
    { type: 'array', items: { type: 'string' } },
    'Only runs with this tag; repeat the key for runs that have all of several',
  ),
  documented.query('filter', { type: 'string' }, 'A search, such as `params.lr < 0.1`'),
  documented.query(
    'order_by',
    { type: 'array', items: { type: 'string' } },
    'Such as `created_at desc`; repeat the key for further ones. Default: by id',
  ),
  documented.deleted,
  ...documented.page(100, 1000),
]

export const runRoutes = ({ runs, trash, state }: RunRoutesOptions) =>
  router()
    .parser('trackingJson', ({ request }) => readJson(request))
    .get(
      '/runs/',
      async ({ request, who }) => {
        const query = runQueryOf(queryOf(request), state)
        return (await runs.list(who, query)).map((run) => runSummaryView(run, state))
      },
      {
        response: t.Array(runSummarySchema),
        detail: {
          tags: ['runs'],
          summary: 'List runs',
          description: 'Runs of the caller (of everybody for a superuser), or of one project.',
          parameters: listParameters,
        },
      },
    )
    .post(
      '/runs/',
      async ({ request, body, who }) => {
        const projectId = integerOf(queryOf(request), 'project_id', { min: 1 })
        if (projectId === undefined) throw invalid('query.project_id', 'is required')
        return runView(await runs.create(who, projectId, newRunOf(body)), state)
      },
      {
        parse: 'trackingJson',
        body: newRunBody,
        response: runSchema,
        detail: {
          tags: ['runs'],
          summary: 'Create a run',
          parameters: [
            documented.requiredQuery(
              'project_id',
              { type: 'integer', minimum: 1 },
              'Id of the project it belongs to',
            ),
          ],
        },
      },
    )
    .get(
      '/runs/:run_id',
      async ({ params, who }) =>
        runView(await runs.readable(who, idOf(params.run_id, 'run_id')), state),
      {
        response: runSchema,
        detail: {
          tags: ['runs'],
          summary: 'Read a run',
          parameters: [documented.id('run_id')],
        },
      },
    )
    .put(
      '/runs/:run_id',
      async ({ params, body, who }) =>
        runView(await runs.update(who, idOf(params.run_id, 'run_id'), runChangeOf(body)), state),
      {
        parse: 'trackingJson',
        body: runChangeBody,
        response: runSchema,
        detail: {
          tags: ['runs'],
          summary: 'Change a run',
          description:
            'Changes the fields that are given and leaves the others. An end without `ended_at` ' +
            'ends now; `running` clears it.',
          parameters: [documented.id('run_id')],
        },
      },
    )
    .delete(
      '/runs/:run_id',
      async ({ params, request, who }) => {
        const id = idOf(params.run_id, 'run_id')
        if (!flagOf(queryOf(request), 'permanent')) {
          await runs.trash(who, id)
          return { message: `Run ${id} deleted; POST /runs/${id}/restore brings it back` }
        }
        await trash.deleteRun(who, id)
        return { message: `Run ${id} deleted for good` }
      },
      {
        response: messageSchema,
        detail: {
          tags: ['runs'],
          summary: 'Delete a run',
          description: 'Puts it in the trash, or deletes it and all it logged for good.',
          parameters: [documented.id('run_id'), documented.permanent],
        },
      },
    )

const runQueryOf = (query: URLSearchParams, state: RunState): RunQuery => {
  const projectId = integerOf(query, 'project_id', { min: 1 })
  const status = query.get('status')
  if (status !== null && !isRunStatus(status)) {
    throw invalid('query.status', `must be one of ${runStatuses.join(', ')}`)
  }
  const silentSince = state.silentSince()
  const time = { now: silentSince + state.crashAfterMs * 1000, silentSince }
  const filter = parseFilter(query.get('filter') ?? '')
  return {
    ...pageOf(query, 100, 1000),
    ...(projectId !== undefined && { projectId }),
    ...(status !== null && { status }),
    ...(filter && { filter: compileFilter(filter, time) }),
    ...orderOf(query.getAll('order_by'), time),
    tags: query.getAll('tag'),
    deleted: flagOf(query, 'deleted'),
  }
}

type Time = Parameters<typeof sortKeys>[1]

const orderOf = (texts: readonly string[], time: Time): { orderBy?: SQL } => {
  if (texts.length === 0) return {}
  const terms = sortKeys(parseOrder(texts), time).map(
    ({ column, descending }) =>
      sql`(${column}) is null, ${column} ${sql.raw(descending ? 'desc' : 'asc')}`,
  )
  return { orderBy: sql.join([...terms, sql`tracking_run.id`], sql`, `) }
}
