/** Says in a few words where a job stands and how it ended. */
import { constants } from 'node:os'
import { outcomeTable } from '../jobs/outcome.ts'
import type { JobView } from '../jobs/view.ts'
import { formatDuration, formatSize } from './quantities.ts'
import { plainText, type Style } from './style.ts'

/** Enough of an id to name a job among thousands. */
export const shortId = (id: string): string => id.slice(0, 9)

/** `preparing on gpu1: installing torch`. */
export const standingOf = (job: JobView): string => {
  const where = job.node === null ? '' : ` on ${plainText(job.node)}`
  const what = job.detail ? `: ${plainText(job.detail)}` : ''
  const wish = { run: '', pause: ', asked to pause', cancel: ', asked to cancel' }[job.desired]
  const away = job.disconnected ? ', which has not been heard of for a while' : ''
  switch (job.state) {
    case 'queued':
      return job.not_before === null ? `queued${what}` : `queued, not before ${job.not_before}`
    case 'assigned':
    case 'running':
      return `${job.phase ?? job.state}${where}${away}${what}${wish}`
    case 'lost':
      return `lost${where}: the node was not heard of; \`hearth retry\` runs it elsewhere`
    case 'paused':
      return `paused; \`hearth resume ${shortId(job.id)}\` goes on`
    default:
      return job.state
  }
}

/** One line about the end: `failed after 3m20s: exit code 1`. */
export const endingOf = (job: JobView): string => {
  const { outcome, started_at: started, ended_at: ended, error } = job
  const took =
    started && ended ? ` after ${formatDuration(Date.parse(ended) - Date.parse(started))}` : ''
  if (job.state === 'succeeded') return `succeeded${took}${usageOf(job)}`
  const why = outcome?.message ?? reasonOf(job)
  const thrown = error ? ` (${plainText(error.type)}: ${plainText(error.message)})` : ''
  return `${job.state}${took}${why ? `: ${plainText(why)}` : ''}${thrown}`
}

const reasonOf = ({ outcome, state }: JobView): string => {
  if (!outcome || state === outcome.reason) return ''
  if (outcome.signal !== null && outcome.reason === 'exited') return `ended by ${outcome.signal}`
  if (outcome.exit_code !== null && outcome.reason === 'exited') {
    return `exit code ${outcome.exit_code}`
  }
  return outcomeTable[outcome.reason].text
}

const usageOf = ({ outcome }: JobView): string => {
  const bytes = outcome?.usage?.peakMemoryBytes
  return bytes === undefined ? '' : `, ${formatSize(bytes)} of memory`
}

export const colourOf = (style: Style, state: string): ((text: string) => string) =>
  ({
    succeeded: style.green,
    online: style.green,
    failed: style.red,
    lost: style.red,
    offline: style.red,
    cancelled: style.yellow,
    paused: style.yellow,
    draining: style.yellow,
    running: style.cyan,
    assigned: style.cyan,
  })[state] ?? style.dim

/**
 * What a shell sees of how a job ended: the program's own exit code, 128 and the number of the
 * signal that ended it, 124 after a timeout as `timeout` has it, 130 after a cancellation, and 125
 * when Hearth and not the program failed.
 */
export const exitCodeOf = ({ state, outcome }: JobView): number => {
  if (state === 'succeeded') return 0
  if (state === 'cancelled') return 130
  if (outcome?.reason === 'timeout') return 124
  const signal = constants.signals[(outcome?.signal ?? '') as NodeJS.Signals]
  if (signal !== undefined) return 128 + signal
  return outcome?.exit_code || 125
}
