/** The routes of jobs for their owners: submit, look, steer, delete. */
import { HearthError, router, t } from '../sdk.ts'
import { numberOf, queryParameter } from './attempt-log-query.ts'
import { type Command, visibleJob } from './commands.ts'
import { checkJobId, type Engine } from './engine.ts'
import { type JobState, jobStates } from './job.ts'
import type { JobFilter, Jobs } from './service.ts'
import { Submission } from './submission.ts'

const tags = ['jobs']
const commands = ['cancel', 'pause', 'resume', 'retry'] as const satisfies Command[]

const summaries: Readonly<Record<Command, string>> = {
  cancel: 'Cancel a job',
  pause: 'Pause a job at its next checkpoint',
  resume: 'Resume a paused job',
  retry: 'Run a job that failed, was cancelled or lost once more',
}

const maxSubmissionBytes = 64 * 2 ** 20

export const jobRoutes = (jobs: Jobs, { listing, commands: { db } }: Engine) => {
  const routes = router()
    .post(
      '/api/jobs',
      async ({ body, who, set }) => {
        set.status = 201
        return jobs.submit(who, body as Submission)
      },
      {
        body: t.Unknown(),
        detail: {
          tags,
          summary: 'Submit a job',
          'x-max-body': maxSubmissionBytes,
          requestBody: { content: { 'application/json': { schema: Submission } } },
        } as object,
      },
    )
    .get('/api/jobs', ({ request, who }) => jobs.list(who, filterOf(request)), {
      detail: { tags, summary: 'List jobs, newest first', parameters: filterParameters },
    })
    .get('/api/jobs/:id', ({ params, who }) => jobs.get(who, params.id), {
      detail: { tags, summary: 'Read a job' },
    })
    .delete(
      '/api/jobs/:id',
      async ({ params, who }) => {
        await jobs.remove(who, params.id)
        return { detail: `Job ${params.id} deleted` }
      },
      { detail: { tags, summary: 'Delete a job that has ended, with its files' } },
    )
    .get(
      '/api/jobs/:id/attempts',
      async ({ params, who }) => {
        const { id } = await visibleJob(db, who, checkJobId(params.id))
        return { attempts: await listing.attempts(id) }
      },
      { detail: { tags, summary: 'Where and when a job was tried' } },
    )
    .get(
      '/api/jobs/:id/history',
      async ({ params, who }) => {
        const { id } = await visibleJob(db, who, checkJobId(params.id))
        return { history: await listing.history(id) }
      },
      { detail: { tags, summary: 'Every change of state: when, by whom, why' } },
    )
  for (const command of commands) {
    routes.post(`/api/jobs/:id/${command}`, ({ params, who }) => jobs[command](who, params.id), {
      parse: 'none',
      detail: { tags, summary: summaries[command] },
    })
  }
  return routes
}

const filterParameters = [
  queryParameter('id', 'The beginning of the id'),
  queryParameter('mine', "`true`: only the caller's own"),
  queryParameter('state', `One or more of ${jobStates.join(', ')}, separated by commas`),
  queryParameter('kind', 'Exactly this kind'),
  queryParameter('project_id', 'Of this project'),
  queryParameter('node', 'Id or name of the node'),
  queryParameter('name', 'Part of the name'),
  queryParameter('skip', 'How many to leave out'),
  queryParameter('limit', 'How many at most (50, at most 500)'),
]

const maxLimit = 500

const filterOf = (request: Request): JobFilter => {
  const query = new URL(request.url).searchParams
  const id = query.get('id')
  const kind = query.get('kind')
  const node = query.get('node')
  const name = query.get('name')
  const state = statesOf(query.get('state'))
  const projectId = numberOf(request, 'project_id')
  return {
    ...(id !== null && { id: plain(id) }),
    isMine: query.get('mine') === 'true',
    ...(state && { state }),
    ...(kind !== null && { kind: plain(kind) }),
    ...(node !== null && { node: plain(node) }),
    ...(name !== null && { name: plain(name) }),
    ...(projectId !== undefined && { projectId }),
    skip: numberOf(request, 'skip') ?? 0,
    limit: Math.min(numberOf(request, 'limit') ?? 50, maxLimit),
  }
}

/** PostgreSQL takes NUL in no text. */
const plain = (text: string): string => {
  if (!text.includes('\0')) return text
  throw new HearthError('validation', 'query: must not hold NUL')
}

const statesOf = (text: string | null): JobState[] | undefined => {
  if (text === null || text === '') return undefined
  const states = text.split(',') as JobState[]
  const unknown = states.find((state) => !jobStates.includes(state))
  if (unknown === undefined) return states
  const message = `query.state: ${unknown} is none of ${jobStates.join(', ')}`
  throw new HearthError('validation', message)
}
