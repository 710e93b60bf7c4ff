/** `hearth jobs`: what runs, what waits, what has ended. */
import { jobStates } from '../jobs/job.ts'
import type { JobView } from '../jobs/view.ts'
import { type Given, UsageError, wholeNumberOf } from './arguments.ts'
import type { ClientVerb, Context } from './client-verb.ts'
import { nearest } from './nearest.ts'
import { write } from './output.ts'
import { shareOf } from './progress.ts'
import { formatDuration } from './quantities.ts'
import { plainText } from './style.ts'
import { table } from './table.ts'
import { colourOf, shortId } from './wording.ts'

const options = {
  state: { type: 'string', short: 's', multiple: true },
  kind: { type: 'string' },
  name: { type: 'string' },
  node: { type: 'string' },
  mine: { type: 'boolean', default: false },
  limit: { type: 'string', short: 'n' },
  watch: { type: 'boolean', short: 'w', default: false },
} as const

const watchMs = 2_000
const defaultLimit = 20

export const jobs: ClientVerb<typeof options> = {
  name: 'jobs',
  help: `List jobs, the newest first

  hearth jobs
  hearth jobs --state running,queued
  hearth jobs --watch
  hearth jobs --name train --limit 100 --json | jq -r .id

  --state, -s STATE   ${jobStates.slice(0, 4).join(', ')},
                      ${jobStates.slice(4).join(', ')}; several with commas
  --kind KIND  --name PART  --node NAME
  --mine              only your own, where you may see those of others
  --limit, -n N       default ${defaultLimit}
  --watch, -w         keep the list fresh
  --json              a job a line; with --watch whenever one has changed
`,
  options,
  async run({ values, positionals }, context) {
    if (positionals.length > 0) throw new UsageError('to look at one job: hearth job ID')
    const path = `/api/jobs?${queryOf(values)}`
    const list = async () => await context.api.json<{ jobs: JobView[]; total: number }>('GET', path)
    if (values.watch) return watch(list, context)
    const { jobs: found, total } = await list()
    for (const job of found) await context.output.record(job)
    await context.output.print(listing(found, context))
    if (total > found.length) {
      context.output.note(
        context.output.style.dim(`${found.length} of ${total}; --limit shows more`),
      )
    }
    return 0
  },
}

const queryOf = (values: Given<typeof options>['values']): URLSearchParams => {
  const states = (values.state ?? []).flatMap((text) => text.split(','))
  for (const state of states) {
    if (jobStates.some((known) => known === state)) continue
    const meant = nearest(state, jobStates)
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`
    throw new UsageError(`--state: there is no state ${state}${hint}`)
  }
  const limit = values.limit === undefined ? defaultLimit : wholeNumberOf('limit', values.limit, 1)
  return new URLSearchParams({
    limit: String(limit),
    ...(states.length > 0 && { state: states.join(',') }),
    ...(values.kind !== undefined && { kind: values.kind }),
    ...(values.name !== undefined && { name: values.name }),
    ...(values.node !== undefined && { node: values.node }),
    ...(values.mine && { mine: 'true' }),
  })
}

const head = ['ID', 'STATE', 'NODE', 'AGE', 'TOOK', 'NAME']

const listing = (found: readonly JobView[], { output }: Context): string => {
  if (found.length === 0) return 'no jobs'
  const { style } = output
  const rows = found.map((job) => [
    shortId(job.id),
    { text: stateOf(job), paint: colourOf(style, job.state) },
    plainText(job.node ?? '-'),
    formatDuration(Date.now() - Date.parse(job.created_at)),
    tookOf(job),
    plainText(job.name),
  ])
  return table(head, rows, { columns: process.stdout.columns, paintHead: style.bold })
}

/** `running 42%`, `cancelling`. */
const stateOf = ({ state, desired, phase, progress }: JobView): string => {
  if (state !== 'running') return state
  if (desired !== 'run') return desired === 'cancel' ? 'cancelling' : 'pausing'
  const share = progress ? shareOf(progress) : undefined
  return share === undefined ? (phase ?? state) : `${phase ?? state} ${Math.floor(share * 100)}%`
}

const tookOf = ({ started_at: started, ended_at: ended }: JobView): string =>
  started === null
    ? '-'
    : formatDuration((ended === null ? Date.now() : Date.parse(ended)) - Date.parse(started))

/** Ends with Ctrl-C. */
const watch = async (
  list: () => Promise<{ jobs: JobView[] }>,
  context: Context,
): Promise<number> => {
  const said = new Map<string, string>()
  const redraws = process.stdout.isTTY === true
  for (;;) {
    const { jobs: found } = await list()
    for (const job of context.output.json ? found : []) {
      const text = JSON.stringify(job)
      if (said.get(job.id) !== text) await context.output.record(job)
      said.set(job.id, text)
    }
    if (!context.output.json) {
      const clear = redraws ? '\x1b[H\x1b[2J' : ''
      await write(process.stdout, `${clear}${listing(found, context)}\n${redraws ? '' : '\n'}`)
    }
    await Bun.sleep(watchMs)
  }
}
