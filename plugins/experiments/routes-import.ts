/** The route by which a search that AIDE began goes on here. */
import { Value } from '@sinclair/typebox/value'
import { HearthError, router, t } from '../../src/sdk.ts'
import { createBody, newExperiment } from './bodies.ts'
import type { Desk } from './desk.ts'
import { badRequest, invalid } from './errors.ts'
import { fromAide } from './journal/aide.ts'
import { parsePythonJson } from './journal/python-json.ts'
import { importNodes } from './seeds.ts'
import { experimentView, filesView } from './views.ts'

const tags = ['experiments: steering']
const maxBodyBytes = 64 * 2 ** 20

const importBody = t.Composite(
  [
    createBody,
    t.Object({
      journal: t.Unknown({ description: 'What AIDE wrote as journal.json' }),
      rerun: t.Optional(
        t.Boolean({ default: false, description: 'Run its programs here, for scores of ours' }),
      ),
    }),
  ],
  { additionalProperties: true },
)

export const importRoutes = (desk: Desk) =>
  router().post(
    '/api/experiments/import',
    async ({ request, who, set }) => {
      const body = checked(await read(request))
      const { rerun = false } = body
      const decide = importNodes(fromAide(body.journal), rerun)
      const given = newExperiment(body)
      // Scores of the server and those that programs told of themselves cannot be compared.
      const settings = rerun ? given.settings : { target: null, ...given.settings }
      const { id } = await desk.experiments.create(who, { ...given, settings })
      try {
        await desk.engine.steer(id, decide)
      } catch (error) {
        await desk.experiments.remove(id)
        throw error
      }
      set.status = 201
      const files = filesView(await desk.experiments.inputs(id))
      return { ...experimentView(await desk.experiments.get(who, id)), files }
    },
    {
      parse: 'none',
      detail: {
        tags,
        summary: 'Begin an experiment with the nodes of a journal of AIDE',
        requestBody: { required: true, content: { 'application/json': { schema: importBody } } },
        'x-rate-limit': 'create',
        'x-max-body': maxBodyBytes,
      } as object,
    },
  )

const read = async (request: Request): Promise<unknown> => {
  const text = await request.text()
  try {
    return parsePythonJson(text)
  } catch {
    throw new HearthError('malformed_json', 'The body is no JSON')
  }
}

const checked = (body: unknown) => {
  if (typeof body !== 'object' || body === null) throw badRequest('The body is no object')
  const problem = Value.Errors(importBody, body).First()
  if (problem) throw invalid(`body${problem.path}`.replaceAll('/', '.'), problem.message)
  return body as Parameters<typeof newExperiment>[0] & { journal: unknown; rerun?: boolean }
}
