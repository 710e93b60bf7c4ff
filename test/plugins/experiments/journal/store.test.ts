/** The journal in a database: what is added, what is read again, and who is told. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { JournalStore } from '../../../../plugins/experiments/journal/store.ts'
import { silentLogger } from '../../../../src/kernel/log.ts'
import { sql } from '../../../../src/sdk.ts'
import { type Lab, openLab } from '../engine/lab.ts'
import { finished, journalOf, proposed } from './tree.ts'

let lab: Lab
let id: string

beforeEach(async () => {
  lab = await openLab()
  id = await lab.add({ steps: 20 })
})
afterEach(() => lab[Symbol.asyncDispose]())

const another = (log = silentLogger) => new JournalStore({ db: lab.db, clock: lab.clock, log })

const file = (sha256: string) => ({ path: sha256, sha256, sizeBytes: 1 })
const events = [
  { type: 'started' },
  proposed(1),
  finished(1, 0.5, { artifacts: [file('a'), file('b'), file('a')] }),
] as const

test('what is added is read again, by this server and by another', async () => {
  const at = lab.clock.now()
  const { stored, journals, journal } = await lab.store.append(id, () => events)
  expect(stored).toEqual(events.map((event, i) => ({ seq: i + 1, at, event })))
  expect(journals.map(({ version }) => version)).toEqual([1, 2, 3])
  const told = journalOf(events)
  const nodes = told.nodes.map((node) => ({ ...node, createdAt: at }))
  expect(journal).toEqual({ ...told, nodes, startedAt: at, runningSince: at })
  expect(await lab.store.load(id)).toEqual(journal)
  expect(await another().load(id)).toEqual(journal)
  expect(await lab.store.read(id)).toEqual([...stored])
  expect(await lab.store.read(id, 2)).toEqual(stored.slice(2))
  const kept = await lab.db.rows<{ sha256: string }>(
    sql`select sha256 from experiments_kept where experiment_id = ${id} order by sha256`,
  )
  expect(kept.map(({ sha256 }) => sha256)).toEqual(['a', 'b'])
})

test('the row says what the journal says', async () => {
  const end = { type: 'failed', error: 'BROKEN', message: 'no model' } as const
  await lab.store.append(id, () => [...events, { type: 'directed', maximize: false }, end])
  const [row] = await lab.db.rows(sql`
    select status, error, version, steps, finished_steps, best_node, best_metric, maximize
    from experiments_experiment where id = ${id}`)
  expect(row).toEqual({
    ...{ status: 'failed', error: '{"code":"BROKEN","message":"no model"}', version: 5 },
    ...{ steps: 20, finished_steps: 1, best_node: 'node_1', best_metric: 0.5, maximize: 0 },
  })
})

const forgetEvents = () => lab.db.run(sql`delete from experiments_event`)

test('events are read once: neither a load nor an append reads them again', async () => {
  await lab.store.append(id, () => events)
  const cold = another()
  const journal = await cold.load(id)
  await forgetEvents()
  expect(await cold.load(id)).toBe(journal)
  const { journal: after } = await cold.append(id, () => [{ type: 'noted', text: 'x' }])
  expect(after).toEqual({ ...journal, notes: ['x'], version: 4 })
  cold.forget(id)
  await expect(cold.load(id)).rejects.toThrow('Event 4 does not follow event 0')
})

test('what another server added since is read, and only that', async () => {
  const other = another()
  await lab.store.append(id, () => events)
  const known = await other.load(id)
  await forgetEvents()
  await lab.store.append(id, () => [{ type: 'noted', text: 'x' }])
  expect(await other.load(id)).toEqual({ ...known, notes: ['x'], version: 4 })
})

test('a listener that throws is logged; others hear, and what was added stays', async () => {
  const logged: unknown[] = []
  const heard: number[] = []
  const store = another({ ...silentLogger, error: (...said) => logged.push(said) })
  const error = new Error('deaf')
  store.onAppended(() => {
    throw error
  })
  store.onAppended((_, { journal }) => heard.push(journal.version))
  expect((await store.append(id, () => events)).journal.version).toBe(3)
  expect(heard).toEqual([3])
  expect(logged).toEqual([['A listener failed', { experiment: id, error }]])
  expect((await another().load(id)).version).toBe(3)
})

test('who refuses adds nothing, and nobody hears of it', async () => {
  const heard: string[] = []
  lab.store.onAppended((of) => heard.push(of))
  const refusal = new Error('no')
  const refuse = () => {
    throw refusal
  }
  await expect(lab.store.append(id, refuse)).rejects.toBe(refusal)
  await expect(lab.store.append(id, () => events, refuse)).rejects.toBe(refusal)
  await expect(lab.store.append(id, () => [proposed(2)])).rejects.toThrow('Event 1: Step 2')
  expect((await lab.store.append(id, () => [])).stored).toEqual([])
  expect({ heard, version: (await lab.store.load(id)).version }).toEqual({ heard: [], version: 0 })
})

test('appends at once take turns: each sees what came before it', async () => {
  const servers = [lab.store, another()]
  const next = Array.from({ length: 20 }, (_, i) =>
    servers[i % 2]!.append(id, ({ nodes }) => [proposed(nodes.length + 1)]),
  )
  await Promise.all(next)
  const journals = await Promise.all([...servers, another()].map((store) => store.load(id)))
  const steps = Array.from({ length: 20 }, (_, i) => i + 1)
  for (const { nodes } of journals) expect(nodes.map(({ step }) => step)).toEqual(steps)
})

test('an experiment that is not there has no journal', async () => {
  const refusal = expect.objectContaining({ code: 'not_found' })
  await expect(lab.store.load('exp_000000000000')).rejects.toEqual(refusal)
  await expect(lab.store.append('exp_000000000000', () => events)).rejects.toEqual(refusal)
})
