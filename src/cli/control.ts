/** `hearth cancel | pause | resume | retry ID...`: says what is wanted of jobs. */
import type { JobView } from '../jobs/view.ts'
import { ApiError } from './api.ts'
import { UsageError } from './arguments.ts'
import { type ClientVerb, Refusal } from './client-verb.ts'
import { findJobId } from './job-id.ts'
import { plainText } from './style.ts'
import { shortId, standingOf } from './wording.ts'

const controlVerb = (name: string, help: string): ClientVerb => ({
  name,
  help,
  options: {},
  async run({ positionals }, context) {
    const { api, output } = context
    if (positionals.length === 0) throw new UsageError('which job? Give its id, or `last`')
    let failures = 0
    for (const given of positionals) {
      try {
        const id = await findJobId(given, context)
        const job = await api.json<JobView>('POST', `/api/jobs/${id}/${name}`)
        await output.record(job)
        await output.print(`${shortId(id)}  ${standingOf(job)}  ${plainText(job.name)}`)
      } catch (error) {
        // One of several that is over already must not keep the others.
        const isOwn = error instanceof Refusal || error instanceof ApiError
        if (!isOwn || positionals.length === 1) throw error
        failures++
        await output.record({ id: given, error: { message: error.message } })
        output.note(`hearth ${name}: ${given}: ${error.message}`)
      }
    }
    return failures > 0 ? 1 : 0
  },
})

export const cancel = controlVerb(
  'cancel',
  `End jobs

  hearth cancel last
  hearth cancel j4kq2 j7mx3

The program gets SIGTERM, and after its grace SIGKILL. A job that waits is just taken away.
`,
)

export const pause = controlVerb(
  'pause',
  `Stop jobs at a checkpoint, to go on later

  hearth pause last
  hearth resume last

The program is asked to write a checkpoint; one that does not know how is cancelled.
`,
)

export const resume = controlVerb(
  'resume',
  `Go on with paused jobs from their last checkpoint

  hearth resume last
`,
)

export const retry = controlVerb(
  'retry',
  `Run jobs once more that failed, were cancelled or lost

  hearth retry last
`,
)
