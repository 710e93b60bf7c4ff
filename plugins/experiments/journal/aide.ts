/** AIDE's own form of a journal (journal.json, version 2): written for its tools, and read. */
import { type Static, Type as t } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { badRequest } from '../errors.ts'
import type { Journal } from './journal.ts'
import type { Node, NodeException, Output } from './node.ts'

const text = t.String({ maxLength: 5_000_000 })
const nullable = <T extends Parameters<typeof t.Union>[0][number]>(schema: T) =>
  t.Optional(t.Union([schema, t.Null()]))

/** WecoAI/aideml, aide/journal.py: what its dataclasses write. Steps count from 0. */
const AideNode = t.Object({
  id: t.String({ minLength: 1, maxLength: 100 }),
  code: text,
  plan: nullable(text),
  step: nullable(t.Integer()),
  ctime: nullable(t.Number()),
  _term_out: nullable(t.Array(text)),
  exec_time: nullable(t.Number()),
  exc_type: nullable(t.String()),
  exc_info: nullable(t.Record(t.String(), t.Unknown())),
  exc_stack: nullable(t.Array(t.Array(t.Unknown()))),
  analysis: nullable(text),
  metric: nullable(
    t.Object({
      value: t.Union([t.Number(), t.Null()]),
      maximize: nullable(t.Boolean()),
    }),
  ),
  is_buggy: nullable(t.Boolean()),
})

const AideJournal = t.Object({
  nodes: t.Array(AideNode, { maxItems: 10_000 }),
  node2parent: t.Record(t.String(), t.String()),
  __version: t.Optional(t.String()),
})
type AideNode = Static<typeof AideNode>

export const toAide = (journal: Journal): object => {
  const finished = journal.nodes.filter(({ state }) => state === 'finished')
  const ids = new Map(finished.map((node) => [node.id, aideId(node)]))
  const node2parent: Record<string, string> = {}
  for (const { id, parents } of finished) {
    const parent = parents[0] === undefined ? undefined : ids.get(parents[0])
    if (parent !== undefined) node2parent[ids.get(id)!] = parent
  }
  const nodes = finished.map((node, index) => ({
    code: node.code,
    plan: node.plan,
    step: index,
    id: aideId(node),
    ctime: node.createdAt / 1000,
    parent: null,
    children: [],
    _term_out: node.run ? chunks(node.run.output) : [],
    exec_time: node.run?.execTimeS ?? null,
    ...exceptionOf(node),
    analysis: node.verdict?.analysis ?? null,
    metric: {
      value: node.verdict?.isBuggy ? null : (node.verdict?.metric ?? null),
      maximize: node.verdict?.isBuggy ? null : journal.maximize,
    },
    is_buggy: node.verdict?.isBuggy ?? true,
  }))
  return { nodes, node2parent, __version: '2' }
}

/** 32 hexadecimal digits, the same whenever it is asked. */
const aideId = ({ id, createdAt }: Node): string =>
  new Bun.CryptoHasher('sha256').update(`${id}/${createdAt}`).digest('hex').slice(0, 32)

const chunks = ({ head, tail, omittedBytes }: Output): string[] =>
  omittedBytes === 0
    ? [head + tail]
    : [head, `\n ... [${omittedBytes} bytes truncated] ... \n`, tail]

const exceptionNames: Readonly<Record<string, string>> = {
  timeout: 'TimeoutError',
  memory: 'MemoryError',
  killed: 'Killed',
}

const exceptionOf = ({ run }: Node) => {
  const exception = run?.exception
  if (!exception) {
    const type = run?.failure ? (exceptionNames[run.failure] ?? null) : null
    return { exc_type: type, exc_info: type === null ? null : {}, exc_stack: null }
  }
  return {
    exc_type: exception.type,
    exc_info: { args: exception.args },
    exc_stack: exception.stack,
  }
}

/** A node of another journal, in the order in which it is to be added. */
export interface ImportedNode {
  readonly code: string
  readonly plan: string
  /** Places of its parents in the list. */
  readonly parents: readonly number[]
  readonly output: string
  readonly execTimeS: number
  readonly exception: NodeException | null
  readonly analysis: string
  readonly metric: number | null
  readonly isBuggy: boolean
  readonly createdAt: number | null
}

export interface ImportedJournal {
  readonly nodes: readonly ImportedNode[]
  readonly maximize: boolean | null
}

/** @throws HearthError `bad_request` that says what is wrong with the file */
export const fromAide = (given: unknown): ImportedJournal => {
  const problem = Value.Errors(AideJournal, given).First()
  if (problem) throw badRequest(`This is no journal of AIDE: ${problem.path} ${problem.message}`)
  const { nodes, node2parent } = given as Static<typeof AideJournal>
  const ordered = inOrder(nodes)
  const places = new Map(ordered.map(({ id }, place) => [id, place]))
  if (places.size !== ordered.length) throw badRequest('Two nodes of the journal have one id')
  const imported = ordered.map((node, place): ImportedNode => {
    const parentId = node2parent[node.id]
    const parent = parentId === undefined ? undefined : places.get(parentId)
    if (parentId !== undefined && (parent === undefined || parent >= place)) {
      throw badRequest(`The parent of node ${node.id} does not come before it`)
    }
    return nodeOf(node, parent === undefined ? [] : [parent])
  })
  const directed = nodes.find(({ metric }) => typeof metric?.maximize === 'boolean')
  return { nodes: imported, maximize: directed?.metric?.maximize ?? null }
}

const inOrder = (nodes: readonly AideNode[]): AideNode[] =>
  nodes
    .map((node, place) => ({ node, place }))
    .sort((a, b) => (a.node.step ?? a.place) - (b.node.step ?? b.place) || a.place - b.place)
    .map(({ node }) => node)

const nodeOf = (node: AideNode, parents: readonly number[]): ImportedNode => {
  const value = node.metric?.value ?? null
  const metric = value !== null && Number.isFinite(value) ? value : null
  return {
    code: node.code,
    plan: node.plan ?? '',
    parents,
    output: (node._term_out ?? []).join(''),
    execTimeS: Math.max(0, node.exec_time ?? 0),
    exception: node.exc_type ? exceptionFrom(node) : null,
    analysis: node.analysis ?? '',
    metric: node.is_buggy ? null : metric,
    isBuggy: node.is_buggy === true || metric === null,
    createdAt: typeof node.ctime === 'number' ? node.ctime * 1000 : null,
  }
}

const exceptionFrom = ({ exc_type, exc_info, exc_stack }: AideNode): NodeException => {
  const args = Array.isArray(exc_info?.['args']) ? exc_info['args'].map(String) : []
  const stack = (exc_stack ?? []).map(
    ([file, line, name, source]) =>
      [String(file ?? ''), Number(line) || 0, String(name ?? ''), String(source ?? '')] as const,
  )
  return { type: exc_type ?? 'Exception', message: args.join(', '), args, stack }
}
