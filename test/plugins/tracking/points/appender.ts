/** A program that appends as fast as it can until it is killed, saying what was acknowledged. */
import { openPointStore } from '../../../../plugins/tracking/points/open.ts'
import { systemClock } from '../../../../src/kernel/clock.ts'
import { silentLogger } from '../../../../src/kernel/log.ts'
import { openDatabase } from '../../../../src/storage/open.ts'

export const batchPoints = 512

/** Batch `index` of a writer: steps that go on where the batch before ended, values to match. */
export const batchOf = (writer: number, index: number) => {
  const steps = Array.from({ length: batchPoints }, (_, i) => index * batchPoints + i)
  const values = steps.map((step) => (step % 7 === 0 ? NaN : step / 8))
  return { name: `writer/${writer}`, steps, times: steps, values }
}

if (import.meta.main) {
  const [dataDir = '', databaseUrl = '', ...begun] = process.argv.slice(2)
  const db = await openDatabase({ dataDir, databaseUrl: databaseUrl || undefined })
  const store = await openPointStore({ db, clock: systemClock, log: silentLogger })
  const write = async (writer: number, from: number): Promise<void> => {
    for (let index = from; ; index++) {
      // Every other writer relies on its points being known rather than its batches.
      const batchId = writer % 2 === 0 ? { batchId: `${writer}/${index}` } : {}
      await store.append({ runId: 1 + (writer % 3), series: [batchOf(writer, index)], ...batchId })
      process.stdout.write(`${writer} ${index + 1}\n`)
    }
  }
  await Promise.all(begun.map((from, writer) => write(writer, Number(from))))
}
