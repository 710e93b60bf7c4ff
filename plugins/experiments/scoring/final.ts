/** Chooses the node that an experiment delivers, and says how sure that choice is. */
import type { Final, Finalist } from '../journal/final.ts'
import type { Node } from '../journal/node.ts'
import type { Comparison } from './noise.ts'

/** Scores of a run with another seed. */
export interface Rerun {
  readonly metric: number
  readonly selectionMetric: number | null
}

export interface Candidate {
  readonly node: string
  readonly metric: number
  readonly selectionMetric: number | null
  readonly interval: readonly [number, number] | null
  readonly reruns: readonly Rerun[]
}

/** The nodes that are best on the search part, best first; of equal ones the earlier. */
export const pickFinalists = (
  nodes: readonly Node[],
  maximize: boolean,
  count: number,
): readonly Node[] =>
  nodes
    .filter(({ verdict, isPruned }) => !isPruned && verdict?.isBuggy === false)
    .filter(({ verdict }) => Number.isFinite(verdict?.metric ?? Number.NaN))
    .toSorted((a, b) => {
      const difference = a.verdict!.metric! - b.verdict!.metric!
      return (maximize ? -difference : difference) || a.step - b.step
    })
    .slice(0, count)

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length

interface Scored {
  readonly candidate: Candidate
  /** Mean over all runs, on the part that decides. */
  readonly score: number
  readonly runs: readonly number[]
}

/** By the selection part if every candidate has a score there, by the search part otherwise. */
const scored = (candidates: readonly Candidate[], bySelection: boolean): Scored[] =>
  candidates.map((candidate) => {
    const { reruns } = candidate
    const runs = bySelection
      ? [candidate.selectionMetric!, ...reruns.flatMap((r) => r.selectionMetric ?? [])]
      : [candidate.metric, ...reruns.map((r) => r.metric)]
    return { candidate, runs, score: mean(runs) }
  })

export interface FinalQuestion {
  /** As `pickFinalists` gave them. */
  readonly candidates: readonly Candidate[]
  readonly maximize: boolean
  /** The simplest program that there is a score of, to be better than; it may be a finalist too. */
  readonly baseline: Candidate | null
  /** null: the predictions of one of the nodes are not stored. */
  compare(before: string, after: string): Promise<Comparison | null>
}

/** Everything of `Final` but the report. */
export const chooseFinal = async (question: FinalQuestion): Promise<Omit<Final, 'report'>> => {
  const { candidates, maximize, baseline } = question
  if (candidates.length === 0) {
    const explanation = 'No program gave a result that could be scored.'
    return { best: null, finalists: [], isWithinNoise: false, explanation }
  }
  const bySelection = candidates.every(({ selectionMetric }) => selectionMetric !== null)
  const order = scored(candidates, bySelection).toSorted((a, b) =>
    maximize ? b.score - a.score : a.score - b.score,
  )
  const [best, next] = order as [Scored, ...Scored[]]
  const sentences = [choiceSentence(best, order.length, bySelection)]
  let isWithinNoise = false
  const say = async (other: Scored, name: string) => {
    const isClose = await isNoise(question, best, other)
    isWithinNoise ||= isClose === true
    const lead = shown(Math.abs(best.score - other.score))
    const sure = isClose === null ? unknown : isClose ? 'is within' : 'is more than'
    sentences.push(`Its lead of ${lead} over ${name} ${sure} the noise.`)
  }
  if (next) await say(next, `the next, ${next.candidate.node},`)
  const canCompare = baseline !== null && (!bySelection || baseline.selectionMetric !== null)
  const isOther = baseline?.node !== best.candidate.node && baseline?.node !== next?.candidate.node
  if (canCompare && isOther) {
    await say(scored([baseline], bySelection)[0]!, `the baseline, ${baseline.node},`)
  }
  const finalists = order.map(({ candidate }): Finalist => {
    const { node, metric, selectionMetric, interval, reruns } = candidate
    return { node, metric, selectionMetric, interval, reruns: reruns.map((run) => run.metric) }
  })
  return {
    best: best.candidate.node,
    finalists,
    isWithinNoise,
    explanation: sentences.join(' '),
  }
}

/** One run each and no predictions: nothing says how much chance there is in a score. */
const unknown = 'cannot be compared with'

const shown = (value: number): string => String(Number(value.toPrecision(4)))

const choiceSentence = (best: Scored, count: number, bySelection: boolean): string => {
  const { node, interval } = best.candidate
  const where = bySelection
    ? 'on rows that no program and no search has seen the targets of'
    : 'by the score that led the search, as there is no other'
  const runs = best.runs.length > 1 ? `, the mean of ${best.runs.length} runs` : ''
  const range = interval
    ? ` The 95 % interval of its search score is ${interval.map(shown).join(' to ')}.`
    : ''
  const among = count > 1 ? `the best of ${count} finalists` : 'the only finalist'
  return `${node} is ${among} ${where}: ${shown(best.score)}${runs}.${range}`
}

/** By how far runs of one program differ, and by the same rows drawn again. */
const isNoise = async (
  question: FinalQuestion,
  best: Scored,
  other: Scored,
): Promise<boolean | null> => {
  if (best.score === other.score) return true
  const lead = Math.abs(best.score - other.score)
  const spread = Math.hypot(standardError(best.runs), standardError(other.runs))
  if (lead <= 2 * spread) return true
  const compared = await question.compare(other.candidate.node, best.candidate.node)
  if (compared) return compared.isWithinNoise
  return best.runs.length > 1 && other.runs.length > 1 ? false : null
}

const standardError = (runs: readonly number[]): number => {
  if (runs.length < 2) return 0
  const centre = mean(runs)
  const variance = runs.reduce((sum, run) => sum + (run - centre) ** 2, 0) / (runs.length - 1)
  return Math.sqrt(variance / runs.length)
}
