/** `hearth run`: runs a command somewhere, with the files of this folder, as if it were here. */
import type { JobView } from '../jobs/view.ts'
import { type ClientVerb, type Context, Refusal } from './client-verb.ts'
import { onInterrupt } from './interrupt.ts'
import { findJobId } from './job-id.ts'
import { rememberJob } from './last-job.ts'
import { persist } from './persist.ts'
import { runHelp } from './run-help.ts'
import { runOptions, type RunValues, submissionOf } from './run-options.ts'
import { Screen } from './screen.ts'
import { submit } from './submit.ts'
import { tellEnd, watchJob } from './watch-job.ts'
import { exitCodeOf, shortId } from './wording.ts'

export const run: ClientVerb<typeof runOptions> = {
  name: 'run',
  help: runHelp,
  options: runOptions,
  takesCommand: true,
  // As `env` and `docker run` have it: not to be taken for the program's own.
  failureCode: 125,
  async run({ values }, context) {
    const { output, env } = context
    const screen = new Screen(output)
    let job: JobView
    try {
      const submission = submissionOf(values, context.command, env)
      const after = await Promise.all((values.after ?? []).map((id) => findJobId(id, context)))
      const project = await projectOf(values, context)
      const wanted = {
        ...submission,
        ...(after.length > 0 && { after }),
        ...(project !== undefined && { project_id: project }),
      }
      const folder = values['no-folder'] ? undefined : (values.folder ?? '.')
      job = await submit(wanted, folder, context, screen)
    } finally {
      screen.close()
    }
    rememberJob(context.api.url, job.id, env)
    if (values.detach) {
      await output.record(job)
      await output.print(job.id)
      return 0
    }
    await output.record({ type: 'submitted', id: job.id, job })
    return attend(job, context, screen)
  },
}

/** Watches the job that was just submitted, and answers its exit code. */
const attend = async (job: JobView, context: Context, screen: Screen): Promise<number> => {
  const { api } = context
  const leaving = new AbortController()
  const release = onInterrupt({
    screen,
    cancel: async () => {
      screen.note('Cancelling. (Ctrl-C again: do not wait for it)')
      const ask = () => api.json('POST', `/api/jobs/${job.id}/cancel`)
      await persist(ask, { signal: leaving.signal }).catch((error: Error) => {
        if (!leaving.signal.aborted) screen.note(`It could not be cancelled: ${error.message}`)
      })
    },
    leave: () => leaving.abort(),
  })
  try {
    const query = { attempt: '1', offset: '0' }
    const { signal } = leaving
    const ended = await watchJob(job.id, { query, signal, isTalkative: true }, context, screen)
    if (!ended) throw new Refusal(`job ${job.id} is gone`)
    tellEnd(ended, context, screen)
    return exitCodeOf(ended)
  } catch (error) {
    if (!leaving.signal.aborted) throw error
    screen.close()
    const id = shortId(job.id)
    screen.note(`Left. \`hearth logs -f ${id}\` comes back to it, \`hearth cancel ${id}\` ends it.`)
    return 130
  } finally {
    release()
  }
}

/** A number is an id; anything else the name of a project. */
const projectOf = async ({ project }: RunValues, { api }: Context): Promise<number | undefined> => {
  if (project === undefined) return undefined
  if (/^\d+$/.test(project)) return Number(project)
  const projects = await api.json<{ id: number; name: string }[]>('GET', '/projects/?limit=1000')
  const found = projects.filter(({ name }) => name === project)
  if (found.length === 1) return (found[0] as { id: number }).id
  throw new Refusal(
    found.length === 0
      ? `there is no project named ${project}`
      : `several projects are named ${project}; give the id of one: ` +
          found.map(({ id }) => id).join(', '),
  )
}
