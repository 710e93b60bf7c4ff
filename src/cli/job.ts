/** `hearth job ID`: everything that is known of one job. */
import type { JobView } from '../jobs/view.ts'
import type { ClientVerb, Context } from './client-verb.ts'
import { oneJob } from './job-id.ts'
import { progressBar } from './progress.ts'
import { formatDuration, formatSize } from './quantities.ts'
import { plainText } from './style.ts'
import { colourOf, endingOf, standingOf } from './wording.ts'

interface ArtifactView {
  readonly path: string
  readonly size: number
  readonly kind: string
}

export const job: ClientVerb = {
  name: 'job',
  help: `Show one job

  hearth job last
  hearth job j4kq2 --json | jq .outcome
`,
  options: {},
  async run({ positionals }, context) {
    const { api, output } = context
    const id = await oneJob(positionals, context)
    const found = await api.json<JobView>('GET', `/api/jobs/${id}`)
    await output.record(found)
    if (output.json) return 0
    const artifacts = await api.json<ArtifactView[]>('GET', `/api/jobs/${id}/artifacts`)
    const lines = linesOf(found, artifacts, context)
    const width = Math.max(...lines.map(([name]) => name.length))
    const { dim } = output.style
    for (const [name, value] of lines) await output.print(`${dim(name.padEnd(width))}  ${value}`)
    return 0
  },
}

const linesOf = (
  found: JobView,
  artifacts: readonly ArtifactView[],
  { output }: Context,
): [string, string][] => {
  const { plan, outcome, policy } = found
  const usage = outcome?.usage
  const colour = colourOf(output.style, found.state)
  const entries: [string, string | null | undefined | false][] = [
    ['id', found.id],
    ['name', plainText(found.name)],
    ['state', colour(found.ended_at === null ? standingOf(found) : endingOf(found))],
    ['kind', found.kind !== 'command' && found.kind],
    ['command', plainText(plan.command.map(quoted).join(' '))],
    ['node', found.node && plainText(found.node)],
    ['attempt', found.attempt > 0 && `${found.attempt} of ${policy.max_attempts}`],
    ['progress', found.progress && progressBar(found.progress)],
    ['created', found.created_at],
    ['started', found.started_at],
    ['ended', found.ended_at],
    ['needs', plan.needs && JSON.stringify(plan.needs)],
    ['limits', plan.limits && JSON.stringify(plan.limits)],
    ['sandbox', plan.image ?? plan.sandbox],
    [
      'inputs',
      plan.files.count > 0 && `${plan.files.count} files, ${formatSize(plan.files.size_bytes)}`,
    ],
    ['run', found.run_id],
    ['time', usage && `${formatDuration(usage.wallMs)}${cpuOf(usage.cpuMs)}`],
    ['memory', usage?.peakMemoryBytes !== undefined && formatSize(usage.peakMemoryBytes)],
    ['gpu memory', usage?.gpuPeakMemoryBytes !== undefined && formatSize(usage.gpuPeakMemoryBytes)],
    ...artifacts.map(({ path, size, kind }): [string, string] => [
      kind,
      `${plainText(path)}  ${formatSize(size)}`,
    ]),
  ]
  return entries.filter((entry): entry is [string, string] => Boolean(entry[1]))
}

const cpuOf = (cpuMs: number | undefined): string =>
  cpuMs === undefined ? '' : `, ${formatDuration(cpuMs)} of CPU`

/** As a shell would take it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
