/** AIDE's journals, both ways: what it wrote is read, and what is written it reads. */
import { expect, test } from 'bun:test'
import { fromAide, toAide } from '../../../../plugins/experiments/journal/aide.ts'
import { bestOf } from '../../../../plugins/experiments/journal/good.ts'
import { emptyJournal, fold } from '../../../../plugins/experiments/journal/fold.ts'
import { parsePythonJson } from '../../../../plugins/experiments/journal/python-json.ts'
import { importNodes } from '../../../../plugins/experiments/seeds.ts'
import table from '../search/aide-choices.json'
import fromHearth from './exported.json'
import readByAide from './read-by-aide.json'
import { sample } from './sample.ts'
import { stored } from './tree.ts'

/** AIDE 0.2.2 wrote it: see search/aide_conformance.py. */
const written = await Bun.file(`${import.meta.dir}/aide-journal.json`).text()

test('an export is what AIDE was given to read', () => {
  expect(toAide(sample)).toEqual(fromHearth)
})

test('AIDE reads in it the same tree, stages, depths, scores and best node', () => {
  const done = sample.nodes.filter(({ state }) => state === 'finished')
  const places = new Map(done.map(({ id }, place) => [id, place]))
  const nodes = done.map((node, step) => ({
    step,
    parent: places.get(node.parents[0] ?? '') ?? null,
    stage: node.stage,
    isLeaf: !done.some(({ parents }) => parents.includes(node.id)),
    debugDepth: node.debugDepth,
    isBuggy: node.verdict?.isBuggy,
    metric: node.verdict?.metric,
    maximize: node.verdict?.isBuggy ? null : false,
    code: node.code,
    output: node.id === 'node_5' ? 'head\n\n ... [7 bytes truncated] ... \ntail\n' : 'out\n',
    exception: { node_2: 'ValueError', node_3: 'TimeoutError' }[node.id] ?? null,
  }))
  expect({ nodes, best: places.get(bestOf(sample)?.id ?? '') }).toEqual({
    nodes: readByAide.nodes as never,
    best: readByAide.best,
  })
})

test('a journal that AIDE wrote is imported as the tree that it was', () => {
  const given = fromAide(parsePythonJson(written))
  const empty = emptyJournal(5)
  const journal = fold(empty, stored(importNodes(given, false)(empty)))
  const found = journal.nodes.map((node) => ({
    parents: node.parents,
    isBuggy: node.verdict?.isBuggy,
    metric: node.verdict?.metric,
    debugDepth: node.debugDepth,
    plan: node.plan,
    output: node.run?.output.head,
    exception: node.run?.exception?.type ?? null,
  }))
  const wrote = table.at(-1)!
  expect(found).toEqual(
    wrote.nodes.map(({ parent, isBuggy, metric, debugDepth }, step) => ({
      ...{ parents: parent === null ? [] : [`node_${parent + 1}`], isBuggy, metric, debugDepth },
      ...{ plan: `plan ${step}`, output: `out\n${step}\n` },
      exception: isBuggy ? 'ValueError' : null,
    })),
  )
  expect({ maximize: journal.maximize, best: bestOf(journal)?.step }).toEqual({
    maximize: wrote.maximize,
    best: wrote.best! + 1,
  })
})

test('what was exported is imported again, without what was in flight', () => {
  const { nodes, maximize } = fromAide(JSON.parse(JSON.stringify(toAide(sample))))
  const found = nodes.map(({ code, parents, metric }) => [code, parents, metric])
  expect({ maximize, found }).toEqual({
    maximize: false,
    found: [
      ['print(1)', [], 0.5],
      ['print(2)', [], null],
      ['print(3)', [1], null],
      ['print(5)', [2], 0.25],
      ['print(6)', [0], 0.75],
    ],
  })
})

const node = (id: string, fields = '') => `{"id":"${id}","code":"NaN or -Infinity"${fields}}`
const journalText = (nodes: readonly string[], parents = '') =>
  `{"nodes":[${nodes.join(',')}],"node2parent":{${parents}},"__version":"2"}`

test.each(['NaN', 'Infinity', '-Infinity'])('a bare %s is no score, and no mistake', (word) => {
  const fields = `,"metric":{"value":${word},"maximize":true},"exec_time":${word},"is_buggy":false`
  expect(fromAide(parsePythonJson(journalText([node('a', fields)])))).toEqual({
    maximize: true,
    nodes: [
      {
        ...{ code: 'NaN or -Infinity', plan: '', parents: [], output: '', execTimeS: 0 },
        ...{ exception: null, analysis: '', metric: null, isBuggy: true, createdAt: null },
      },
    ],
  })
})

test.each([
  ['{"nodes":[]}', 'This is no journal of AIDE: /node2parent'],
  [journalText(['{"id":"a"}']), 'This is no journal of AIDE: /nodes/0/code'],
  [journalText([node('a'), node('a')]), 'Two nodes of the journal have one id'],
  [journalText([node('a')], '"a":"a"'), 'The parent of node a does not come before it'],
  [journalText([node('a')], '"a":"b"'), 'The parent of node a does not come before it'],
])('%s is refused', (text, message) => {
  expect(() => fromAide(parsePythonJson(text))).toThrow(message)
})
