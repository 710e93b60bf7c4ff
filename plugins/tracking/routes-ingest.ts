/** The routes that log metrics: the hot path, so bodies and replies are handled by hand. */
import { router, t } from '../../src/sdk.ts'
import type { RunAccess } from './access.ts'
import { maxBodyBytes, readJson } from './body.ts'
import {
  maxBatchIdLength,
  maxNameLength,
  readBatch,
  readPoint,
  type SinglePoint,
} from './ingest.ts'
import { metricJson } from './metric-json.ts'
import { documented, idOf } from './parameters.ts'
import type { PointStore } from './points/store.ts'
import type { RunState } from './state.ts'
import { integer, metricSchema, oneOf } from './views.ts'

export interface IngestOptions {
  readonly points: PointStore
  readonly access: RunAccess
  readonly state: RunState
}

const jsonHeaders = { 'content-type': 'application/json' }

export const ingestRoutes = ({ points, access, state }: IngestOptions) =>
  router()
    .post(
      '/metrics/:run_id',
      async ({ params, request, who }) => {
        const runId = idOf(params.run_id, 'run_id')
        await access.writable(who, runId)
        const point = readPoint(await readJson(request))
        state.touch(runId)
        return new Response(await logPoint(points, runId, point), { headers: jsonHeaders })
      },
      {
        parse: 'none',
        response: metricSchema,
        detail: {
          ...ingestDetail(singleBody),
          summary: 'Log a metric',
          description:
            'A point with a `timestamp` is stored once, however often it is sent with the same ' +
            'step and value.',
        },
      },
    )
    .post(
      '/metrics/:run_id/batch',
      async ({ params, request, who }) => {
        const runId = idOf(params.run_id, 'run_id')
        await access.writable(who, runId)
        const batch = readBatch(await readJson(request))
        state.touch(runId)
        const { series, batchId } = batch
        const appended = await points.append({
          runId,
          series,
          ...(batchId !== undefined && { batchId }),
        })
        const text =
          `{"message":"Logged ${batch.points} metrics successfully",` +
          `"first_id":${appended.firstId},"stored":${appended.stored},` +
          `"repeated":${appended.repeated}}`
        return new Response(text, { headers: jsonHeaders })
      },
      {
        parse: 'none',
        response: batchReply,
        detail: {
          ...ingestDetail(batchBody),
          summary: 'Log many metrics at once',
          description:
            'Either a map of names to values at one step, or whole columns: `times` are ' +
            'microseconds since the epoch. The same `batch_id` again is acknowledged and not ' +
            'stored again. Bodies may be gzipped. At most 100,000 points and 10,000 names.',
        },
      },
    )

/** Stores one point and answers it; one that was there already is answered with its id. */
const logPoint = async (points: PointStore, runId: number, point: SinglePoint): Promise<string> => {
  const { name, value, step, time } = point
  const times = time === undefined ? undefined : [time]
  const series = { name, values: [value], steps: [step], ...(times && { times }) }
  const { firstId, time: arrival } = await points.append({ runId, series: [series] })
  return metricJson({ id: firstId, runId, name, value, step, time: time ?? arrival })
}

const ingestDetail = (schema: object) => ({
  tags: ['metrics'],
  parameters: [documented.id('run_id')],
  requestBody: { required: true, content: { 'application/json': { schema } } },
  'x-rate-limit': 'ingest',
  'x-max-body': maxBodyBytes,
})

const number = t.Union([t.Number(), oneOf(['NaN', 'Infinity', '-Infinity'])])
const name = t.String({ minLength: 1, maxLength: maxNameLength })
const time = t.String({ description: 'ISO 8601; naive means UTC. Default: the time of arrival' })
const step = t.Union([integer(), t.Null()], { description: 'Default: 0' })
const batchId = t.String({ minLength: 1, maxLength: maxBatchIdLength })

const singleBody = t.Object(
  { name, value: number, step: t.Optional(step), timestamp: t.Optional(time) },
  { example: { name: 'loss', value: 0.5, step: 1 } },
)

const batchBody = t.Union([
  t.Object(
    {
      metrics: t.Record(t.String(), number),
      step: t.Optional(step),
      timestamp: t.Optional(time),
      batch_id: t.Optional(batchId),
    },
    { example: { metrics: { loss: 0.5, accuracy: 0.85, learning_rate: 0.001 }, step: 1 } },
  ),
  t.Object(
    {
      series: t.Array(
        t.Object({
          name,
          values: t.Array(number),
          steps: t.Optional(t.Array(integer())),
          times: t.Optional(t.Array(integer())),
        }),
      ),
      batch_id: t.Optional(batchId),
    },
    { example: { series: [{ name: 'loss', values: [0.5, 0.4], steps: [1, 2] }] } },
  ),
])

const batchReply = t.Object(
  { message: t.String(), first_id: integer(), stored: integer(), repeated: integer() },
  {
    examples: [{ message: 'Logged 3 metrics successfully', first_id: 1, stored: 3, repeated: 0 }],
  },
)
