/** Models and their ledger on a database of their own, and a clock on which nobody waits. */
import { Ledger } from '../../../../plugins/experiments/models/ledger.ts'
import { Models, type Question } from '../../../../plugins/experiments/models/models.ts'
import { providersIn } from '../../../../plugins/experiments/models/providers.ts'
import type { Database, Logger } from '../../../../src/sdk.ts'
import { type FakeClock, fakeClock } from '../../../../src/testing.ts'
import { created, open } from '../wire/rig.ts'

/** What is waited for between tries is over at once; the limit of a call is when it is moved. */
export interface ImpatientClock extends FakeClock {
  readonly waitsMs: readonly number[]
}

const limitMs = 600_000

export const impatientClock = (): ImpatientClock => {
  const clock = fakeClock()
  const waitsMs: number[] = []
  return {
    ...clock,
    waitsMs,
    after(ms, work) {
      if (ms >= limitMs) return clock.after(ms, work)
      waitsMs.push(ms)
      let isCancelled = false
      queueMicrotask(() => isCancelled || work())
      return { cancel: () => (isCancelled = true) }
    },
  }
}

export interface Line {
  readonly message: string
  readonly fields: unknown
}

export const recordingLog = (lines: Line[]): Logger => {
  const add = (message: string, fields?: unknown) => void lines.push({ message, fields })
  const log = { debug: add, info: add, warn: add, error: add, with: () => log }
  return log
}

export interface Rig extends AsyncDisposable {
  readonly db: Database
  readonly ledger: Ledger
  readonly models: Models
  readonly clock: ImpatientClock
  readonly lines: readonly Line[]
  /** An experiment that calls can be filed under. */
  readonly experimentId: string
  readonly another: () => Promise<string>
}

export const openRig = async (env: Readonly<Record<string, string>>): Promise<Rig> => {
  const plugin = await open()
  const lines: Line[] = []
  const clock = impatientClock()
  const ledger = new Ledger(plugin.db, clock)
  const log = recordingLog(lines)
  const models = new Models({ providers: providersIn(env), ledger, clock, log })
  const another = async () => (await created(plugin.fetch)).id
  const experimentId = await another()
  const { db } = plugin
  return {
    ...{ db, ledger, models, clock, lines, experimentId, another },
    [Symbol.asyncDispose]: () => plugin.stop(),
  }
}

/** As a server that was just started has them. */
export const modelsOf = (
  rig: Rig,
  env: Readonly<Record<string, string>>,
  { log = recordingLog([]), clock = rig.clock }: { log?: Logger; clock?: FakeClock } = {},
): Models => new Models({ providers: providersIn(env), ledger: rig.ledger, clock, log })

export const question = (rig: Rig, more: Partial<Question> = {}): Question => ({
  experimentId: rig.experimentId,
  step: 1,
  operator: 'draft',
  role: 'code',
  settings: { model: 'gpt-4.1', temperature: 0.5 },
  prompt: 'Write a program.',
  until: null,
  signal: new AbortController().signal,
  ...more,
})

/** The calls of the ledger, without what no test can know beforehand. */
export const filed = async (rig: Rig, experimentId = rig.experimentId) =>
  (await rig.ledger.list(experimentId)).map(
    ({ id: _id, at: _at, latencyMs: _latencyMs, experimentId: _experiment, ...call }) => call,
  )
