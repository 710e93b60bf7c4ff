/** Nodes that an experiment begins with: another experiment's, or those of a journal of AIDE. */
import { HearthError } from '../../src/sdk.ts'
import { addNodes, type GivenNode } from './engine/steering.ts'
import { badRequest } from './errors.ts'
import type { ImportedJournal, ImportedNode } from './journal/aide.ts'
import type { JournalEvent } from './journal/events.ts'
import { ranked } from './journal/good.ts'
import type { Journal } from './journal/journal.ts'
import type { Failure, Node, Output, Run, Verdict } from './journal/node.ts'
import type { Decide } from './journal/store.ts'

/** More would be a journal that nobody can look at. */
const maxImported = 1_000

/**
 * Programs of another experiment, to be run and scored here. Without `ids` it is the best one.
 * @throws HearthError `not_found`, `conflict`
 */
export const seedsFrom = (journal: Journal, ids: readonly string[] | undefined): GivenNode[] => {
  const nodes = ids === undefined ? best(journal) : ids.map((id) => nodeIn(journal, id))
  return nodes.map(({ plan, code, author }) => ({ parents: [], stage: 'seed', plan, code, author }))
}

const best = (journal: Journal): Node[] => {
  const found = ranked(journal).find(({ stage }) => stage !== 'ensemble')
  if (!found) throw new HearthError('conflict', 'No program of that experiment has a score')
  return [found]
}

const nodeIn = ({ nodes }: Journal, id: string): Node => {
  const node = nodes.find((one) => one.id === id)
  if (!node) throw new HearthError('not_found', `There is no node ${id}`)
  if (node.stage !== 'ensemble' && node.code !== '') return node
  throw new HearthError('conflict', `${id} has no program of its own`)
}

/**
 * The nodes of a journal of AIDE: finished as it says, or (`rerun`) to be run and scored here.
 * @throws HearthError `bad_request`
 */
export const importNodes = ({ nodes, maximize }: ImportedJournal, rerun: boolean): Decide => {
  if (nodes.length > maxImported) {
    throw badRequest(`The journal has more than ${maxImported} nodes`)
  }
  if (nodes.some(({ code }) => rerun && code === '')) {
    throw badRequest('A node of the journal has no program to run')
  }
  const given = nodes.map(({ parents, plan, code }): GivenNode => ({
    parents: parents.map((place) => `node_${place + 1}`),
    stage: 'seed',
    plan,
    code,
    author: 'aide',
  }))
  return (journal) => {
    const proposed = addNodes(given, 'new')(journal)
    if (rerun) return proposed
    const directed: JournalEvent[] = maximize === null ? [] : [{ type: 'directed', maximize }]
    const finished = nodes.map((node, place): JournalEvent => ({
      type: 'finished',
      node: `node_${place + 1}`,
      run: runOf(node),
      verdict: verdictOf(node),
    }))
    return [...directed, ...inTurn(proposed, finished)]
  }
}

/** Each node is finished before the next one comes: whether a parent is buggy decides depths. */
const inTurn = (
  proposed: readonly JournalEvent[],
  finished: readonly JournalEvent[],
): JournalEvent[] => {
  let place = 0
  return proposed.flatMap((event) =>
    event.type === 'proposed' ? [event, finished[place++] as JournalEvent] : [event],
  )
}

const runOf = ({ execTimeS, exception, output }: ImportedNode): Run => ({
  jobId: null,
  execTimeS,
  exitCode: null,
  signal: null,
  output: shortened(output),
  exception,
  failure: exception && failureOf(exception.type),
  message: null,
  peakMemoryBytes: null,
  artifacts: [],
})

const failureOf = (exceptionType: string): Failure =>
  exceptionType === 'TimeoutError' ? 'timeout' : 'exception'

const verdictOf = ({ isBuggy, exception, metric, analysis }: ImportedNode): Verdict => ({
  isBuggy,
  failure: isBuggy ? (exception ? failureOf(exception.type) : 'reviewed_as_bug') : null,
  metric,
  metricSource: 'reported',
  reportedMetric: metric,
  selectionMetric: null,
  interval: null,
  analysis,
  warnings: [],
  predictions: null,
})

const maxOutputLength = 32_768

const shortened = (text: string): Output => {
  const totalBytes = Buffer.byteLength(text)
  if (text.length <= 2 * maxOutputLength)
    return { head: text, tail: '', omittedBytes: 0, totalBytes }
  const head = text.slice(0, maxOutputLength)
  const tail = text.slice(-maxOutputLength)
  const omittedBytes = totalBytes - Buffer.byteLength(head) - Buffer.byteLength(tail)
  return { head, tail, omittedBytes, totalBytes }
}
