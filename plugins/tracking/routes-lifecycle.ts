/** The routes of what happens to a run: heartbeat, console, resume, fork, restore. */
import { router, t } from '../../src/sdk.ts'
import type { RunAccess } from './access.ts'
import { objectOf, readJson, readOptionalObject } from './body.ts'
import { type Console, consoleStreams } from './console.ts'
import { batchIdOf } from './ingest.ts'
import { documented, idOf, integerOf, invalid, queryOf } from './parameters.ts'
import { nameIn, stepIn } from './run-bodies.ts'
import type { Runs } from './runs.ts'
import type { RunState } from './state.ts'
import { microsToNaiveIso } from './time.ts'
import { integer, oneOf, runSchema, runView, statusSchema } from './views.ts'

export interface LifecycleOptions {
  readonly runs: Runs
  readonly access: RunAccess
  readonly state: RunState
  readonly output: Console
}

const maxTextLength = 1024 * 1024

const jsonBody = (schema: object, example: object) => ({
  content: { 'application/json': { schema, example } },
})

export const lifecycleRoutes = ({ runs, access, state, output }: LifecycleOptions) =>
  router()
    .post(
      '/runs/:run_id/heartbeat',
      async ({ params, who }) => {
        const facts = await access.writable(who, idOf(params.run_id, 'run_id'))
        state.touch(facts.id)
        return { status: facts.status }
      },
      {
        parse: 'none',
        response: t.Object({ status: statusSchema }, { examples: [{ status: 'running' }] }),
        detail: {
          tags: ['runs'],
          summary: 'Say that a run is alive',
          description:
            'Every point and every line says so, too. A run that is silent for too long reads as ' +
            'crashed until it speaks. Answers the status, so that a client learns when its run ' +
            'was killed.',
          parameters: [documented.id('run_id')],
          'x-rate-limit': 'ingest',
        },
      },
    )
    .post(
      '/runs/:run_id/resume',
      async ({ params, request, who }) => {
        const step = stepIn(await readOptionalObject(request), 'from_step')
        return runView(await runs.resume(who, idOf(params.run_id, 'run_id'), step), state)
      },
      {
        parse: 'none',
        response: runSchema,
        detail: {
          tags: ['runs'],
          summary: 'Go on with a run',
          description: 'It is running again. Points at or above `from_step` are dropped for good.',
          parameters: [documented.id('run_id')],
          requestBody: jsonBody(t.Object({ from_step: t.Optional(integer()) }), { from_step: 100 }),
        },
      },
    )
    .post(
      '/runs/:run_id/fork',
      async ({ params, request, who }) => {
        const body = await readOptionalObject(request)
        const step = stepIn(body, 'step')
        const name = nameIn(body)
        const input = { ...(step !== undefined && { step }), ...(name !== undefined && { name }) }
        return runView(await runs.fork(who, idOf(params.run_id, 'run_id'), input), state)
      },
      {
        parse: 'none',
        response: runSchema,
        detail: {
          tags: ['runs'],
          summary: 'Branch off a new run',
          description: 'It has the points below `step`, or all of them, and names its origin.',
          parameters: [documented.id('run_id')],
          requestBody: jsonBody(
            t.Object({ step: t.Optional(integer()), name: t.Optional(t.String()) }),
            { step: 100, name: 'Lower learning rate' },
          ),
        },
      },
    )
    .post(
      '/runs/:run_id/restore',
      async ({ params, who }) =>
        runView(await runs.restore(who, idOf(params.run_id, 'run_id')), state),
      {
        parse: 'none',
        response: runSchema,
        detail: {
          tags: ['runs'],
          summary: 'Bring a run back from the trash',
          parameters: [documented.id('run_id')],
        },
      },
    )
    .post(
      '/runs/:run_id/console',
      async ({ params, request, who }) => {
        const facts = await access.writable(who, idOf(params.run_id, 'run_id'))
        const input = consoleInputOf(await readJson(request))
        state.touch(facts.id)
        return { id: await output.append(facts.id, input) }
      },
      {
        parse: 'none',
        response: t.Object({ id: integer() }, { examples: [{ id: 1 }] }),
        detail: {
          tags: ['runs'],
          summary: 'Keep what a run printed',
          description: 'A `batch_id` makes repeating it harmless.',
          parameters: [documented.id('run_id')],
          requestBody: jsonBody(consoleBody, { stream: 'stdout', text: 'epoch 1: loss 0.5\n' }),
          'x-rate-limit': 'ingest',
        },
      },
    )
    .get(
      '/runs/:run_id/console',
      async ({ params, request, who }) => {
        const facts = await access.readable(who, idOf(params.run_id, 'run_id'))
        const query = queryOf(request)
        const since = integerOf(query, 'since', { min: 0 }) ?? 0
        const limit = integerOf(query, 'limit', { min: 1, max: 1000 }) ?? 1000
        const lines = await output.read(facts.id, since, limit)
        return {
          lines: lines.map(({ id, stream, text, writtenAt }) => ({
            id,
            stream,
            text,
            timestamp: microsToNaiveIso(writtenAt),
          })),
          next: lines.at(-1)?.id ?? since,
        }
      },
      {
        response: consolePage,
        detail: {
          tags: ['runs'],
          summary: 'Read what a run printed',
          description: 'Each item is one piece as it was sent; ask again with `since` = `next`.',
          parameters: [
            documented.id('run_id'),
            documented.query(
              'since',
              { type: 'integer', minimum: 0, default: 0 },
              'Only after this id',
            ),
            documented.query(
              'limit',
              { type: 'integer', minimum: 1, maximum: 1000, default: 1000 },
              'At most so many',
            ),
          ],
        },
      },
    )

const consoleBody = t.Object({
  stream: oneOf(consoleStreams),
  text: t.String({ maxLength: maxTextLength }),
  batch_id: t.Optional(t.String({ maxLength: 128 })),
})

const consolePage = t.Object({
  lines: t.Array(
    t.Object({
      id: integer(),
      stream: oneOf(consoleStreams),
      text: t.String(),
      timestamp: t.String(),
    }),
  ),
  next: integer(),
})

const consoleInputOf = (json: unknown) => {
  const body = objectOf(json, 'body')
  const stream = consoleStreams.find((name) => name === body['stream'])
  if (!stream) throw invalid('body.stream', `must be one of ${consoleStreams.join(', ')}`)
  const text = body['text']
  if (typeof text !== 'string' || text.length > maxTextLength) {
    throw invalid('body.text', `must be a string of at most ${maxTextLength} characters`)
  }
  const batchId = batchIdOf(body['batch_id'])
  // PostgreSQL keeps no NUL in text.
  const kept = text.replaceAll('\0', '\uFFFD').toWellFormed()
  return { stream, text: kept, ...(batchId !== undefined && { batchId }) }
}
