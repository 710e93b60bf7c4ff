/** Where the time of one experiment with one worker went, as its jobs and its model tell. */
import { median } from '../table.ts'

export interface StepJob {
  readonly id: string
  readonly created_at: string
  readonly started_at: string | null
  readonly ended_at: string | null
  readonly outcome: { readonly usage: { readonly wallMs: number } | null } | null
}

/** Milliseconds; one after another, they are a node's whole way. */
export interface Phases {
  /** From the question for its program until its job is in the queue. */
  readonly write: number
  /** Until a machine has taken the job and may begin. */
  readonly queue: number
  /** The job without its program: folder, sandbox, start; log and outputs, afterwards. */
  readonly around: number
  readonly run: number
  /** Output and files read, the review asked for, the verdict written, the next node chosen. */
  readonly judge: number
}

const meanings: Readonly<Record<keyof Phases, string>> = {
  write: 'model asked, program stored, job submitted',
  queue: 'in the queue',
  around: 'sandbox made, program begun; log and files fetched',
  run: 'the program',
  judge: 'end noticed, output read, reviewed, next node chosen',
}

/** `askedAt` is when each program was asked for, and the end; `jobs` are in the same order. */
export const phasesOf = (askedAt: readonly number[], jobs: readonly StepJob[]): Phases[] =>
  jobs.map((job, index) => {
    const created = Date.parse(job.created_at)
    const begun = Date.parse(job.started_at ?? '')
    const ended = Date.parse(job.ended_at ?? '')
    const run = job.outcome?.usage?.wallMs ?? Number.NaN
    return {
      write: created - (askedAt[index] ?? Number.NaN),
      queue: begun - created,
      around: ended - begun - run,
      run,
      judge: (askedAt[index + 1] ?? Number.NaN) - ended,
    }
  })

/** Before the first node: files looked at, the proposer made ready. */
export interface Beginning {
  readonly beginMs: number
  readonly phases: readonly Phases[]
}

/** A Markdown table: each phase of the median node, of the slowest, and of all nodes together. */
export const phasesTable = (runs: readonly Beginning[]): string => {
  const experiments = runs.map(({ phases }) => phases)
  const lines = (Object.keys(meanings) as (keyof Phases)[]).map((name) => {
    const each = experiments.flat().map((node) => node[name])
    const all = experiments.map((one) => one.reduce((sum, node) => sum + node[name], 0))
    const figures = [median(each), Math.max(...each), median(all)]
    return [`${name}: ${meanings[name]}`, ...figures.map((figure) => figure.toFixed(0))]
  })
  const begin = median(runs.map(({ beginMs }) => beginMs)).toFixed(0)
  const head = [
    ['phase of a node (ms)', 'median', 'longest', 'all'],
    ['---', '---:', '---:', '---:'],
  ]
  const once = ['begin, once: files looked at, model made ready', '', '', begin]
  return [...head, once, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
