/** The fold: what events add up to, and which of them cannot follow. */
import { expect, test } from 'bun:test'
import { approve, pause, prune, resume } from '../../../../plugins/experiments/engine/steering.ts'
import type { JournalEvent } from '../../../../plugins/experiments/journal/events.ts'
import { apply, emptyJournal, fold } from '../../../../plugins/experiments/journal/fold.ts'
import type { Journal } from '../../../../plugins/experiments/journal/journal.ts'
import { finished, grown, journalOf, proposed, run, stored, verdict } from './tree.ts'

const after = (journal: Journal, ...events: readonly JournalEvent[]): Journal =>
  fold(journal, stored(events, journal.version))

test('a whole experiment, event by event and at once', () => {
  const final = {
    ...{ best: 'node_1', finalists: [], isWithinNoise: false, explanation: 'won', report: null },
  }
  const events = stored([
    { type: 'started' },
    proposed(1, [], { needsApproval: true, calls: ['call_1'] }),
    { type: 'approved', node: 'node_1', code: 'print(0)' },
    { type: 'running', node: 'node_1', jobId: 'job_1' },
    { type: 'requeued', node: 'node_1' },
    { type: 'running', node: 'node_1', jobId: 'job_2' },
    { type: 'directed', maximize: false },
    { type: 'directed', maximize: true },
    finished(1, 0.5),
    { type: 'pinned', node: 'node_1', isPinned: true },
    { type: 'instructed', text: 'Use trees' },
    { type: 'noted', text: 'A note' },
    { type: 'extended', steps: 2 },
    { type: 'completed', final },
  ])
  const journal = fold(emptyJournal(1), events)
  expect(journal).toEqual({
    ...{ version: 14, maximize: false, instructions: ['Use trees'], isPaused: false },
    ...{ totalSteps: 3, notes: ['A note'], final, startedAt: 1000, endedAt: 14_000 },
    ...{ ranMs: 13_000, runningSince: null },
    nodes: [
      {
        ...{ id: 'node_1', step: 1, parents: [], stage: 'draft', state: 'finished' },
        ...{ plan: 'plan 1', code: 'print(0)', author: 'script', calls: ['call_1'] },
        ...{ createdAt: 2000, jobId: 'job_2', requeues: 1, run, verdict: verdict(0.5) },
        ...{ debugDepth: 0, isPinned: true, isPruned: false },
      },
    ],
  })
  expect(events.reduce(apply, emptyJournal(1))).toEqual(journal)
})

const begun = [{ type: 'started' }, proposed(1), finished(1, 0.5)] as const

test.each<[string, readonly JournalEvent[], string]>([
  ['a type that nobody knows', [{ type: 'sung' } as never], 'no event of the type sung'],
  ['a name twice', [proposed(2, [], { node: 'node_1' })], 'There is a node node_1 already'],
  ['a name of another step', [proposed(2, [], { node: 'node_7' })], 'node_7 is no name for'],
  ['a step left out', [proposed(3)], 'Step 3 does not follow step 1'],
  ['a parent that is not there', [proposed(2, [9])], 'There is no node node_9'],
  ['a node that is not there', [finished(2, 1)], 'There is no node node_2'],
  ['an end twice', [finished(1, 1)], 'node_1 has finished before'],
  ['an approval of what does not wait', [{ type: 'approved', node: 'node_1' }], 'not waiting'],
  ['a run after the end', [{ type: 'running', node: 'node_1', jobId: 'j' }], 'not ready'],
  ['a second attempt of what ended', [{ type: 'requeued', node: 'node_1' }], 'not running'],
])('%s cannot follow, and the event is named', (_, events, message) => {
  expect(() => journalOf([...begun, ...events])).toThrow(`Event 4: `)
  expect(() => journalOf([...begun, ...events])).toThrow(message)
})

test.each([[0], [2]])('an event numbered %d does not follow an empty journal', (seq) => {
  expect(() => apply(emptyJournal(1), { seq, at: 0, event: { type: 'started' } })).toThrow(
    `Event ${seq} does not follow event 0`,
  )
})

test('a journal that was handed out never changes', () => {
  const before = grown([[[], 0.5], [[1]]])
  const copy = structuredClone(before)
  after(before, finished(2, null), proposed(3), { type: 'noted', text: 'x' })
  expect(before).toEqual(copy)
})

test('depths count repairs in a row', () => {
  const { nodes } = grown([
    [[], null],
    [[1], null],
    [[2], null],
    [[3], 0.5],
    [[4], null],
  ])
  expect(nodes.map(({ debugDepth }) => debugDepth)).toEqual([0, 1, 2, 3, 0])
})

test('a pause before the start lasts beyond it, and its time is not counted', () => {
  const paused = after(emptyJournal(5), ...pause(emptyJournal(5)))
  const started = after(paused, { type: 'started' })
  expect(started).toEqual({ ...emptyJournal(5), version: 2, isPaused: true, startedAt: 2000 })
  const resumed = after(started, ...resume(started))
  expect(resumed).toMatchObject({ isPaused: false, ranMs: 0, runningSince: 3000 })
})

const ends: readonly JournalEvent[] = [
  { type: 'stopped', reason: 'Stopped by the user' },
  { type: 'failed', error: 'X', message: 'broken' },
]

test.each(ends)('after the end nothing is paused, resumed or approved: %j', (end) => {
  const waiting = journalOf([{ type: 'started' }, proposed(1, [], { needsApproval: true }), end])
  const refusal = { code: 'conflict', message: 'The experiment has ended; start it to go on' }
  expect(() => resume(waiting)).toThrow(expect.objectContaining(refusal))
  expect(() => approve('node_1', undefined)(waiting)).toThrow(expect.objectContaining(refusal))
  expect(() => pause(waiting)).toThrow(
    expect.objectContaining({ code: 'conflict', message: 'The experiment has ended' }),
  )
})

test('what was left out comes back as it was: with what went along, and nothing else', () => {
  // 1 > 2 > 4, 1 > 3; 3 is left out before.
  const whole = grown([
    [[], 1],
    [[1], 2],
    [[1], 3],
    [[2], 4],
    [[], 5],
  ])
  const without3 = after(whole, ...prune('node_3', true)(whole))
  const without1 = after(without3, ...prune('node_1', true)(without3))
  const out = ({ nodes }: Journal) => nodes.filter((n) => n.isPruned).map(({ step }) => step)
  expect([without3, without1].map(out)).toEqual([[3], [1, 2, 3, 4]])
  const grownOn = after(without1, proposed(6, [4]), {
    ...{ type: 'pruned', node: 'node_6', isPruned: true },
  })
  const back = after(grownOn, ...prune('node_1', false)(grownOn))
  expect(out(back)).toEqual([3])
  expect(prune('node_1', false)(back)).toEqual([])
  expect(out(after(back, ...prune('node_3', false)(back)))).toEqual([])
})

test('a part of what went along comes back alone', () => {
  const whole = grown([
    [[], 1],
    [[1], 2],
    [[2], 3],
  ])
  const none = after(whole, ...prune('node_1', true)(whole))
  const part = after(none, ...prune('node_2', false)(none))
  expect(part.nodes.map(({ isPruned }) => isPruned)).toEqual([true, false, false])
})

test('ten thousand nodes are folded without copying them for each event', () => {
  const slices: number[] = []
  const nodes = new Proxy([] as never[], {
    get: (list, key) => {
      if (key === 'slice') slices.push(list.length)
      return Reflect.get(list, key) as unknown
    },
  })
  const events = Array.from({ length: 10_000 }, (_, i) => [proposed(i + 1), finished(i + 1, i)])
  const journal = fold({ ...emptyJournal(10_000), nodes }, stored(events.flat()))
  expect(slices).toEqual([0])
  expect([journal.nodes.length, journal.nodes.at(-1)?.verdict?.metric]).toEqual([10_000, 9999])
})
