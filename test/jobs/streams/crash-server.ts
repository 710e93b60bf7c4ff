/** A server to be killed: one job, and a sink that writes down every batch it is given. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { finishOf, openServer } from './fixture.ts'

const folder = process.argv[2] as string
const server = await openServer(folder)
const job = server.add()
server.streams.addSink({
  async append({ batchId, points }) {
    appendFileSync(join(folder, 'batches'), `${JSON.stringify([batchId, points])}\n`)
    // Long enough to be killed in, and for more to arrive meanwhile.
    await Bun.sleep(25)
    return '1'
  },
})
process.stdout.write(`${server.url}\n`)

// Each line asks to finish an attempt of these files; the answer is a line.
for await (const line of console) {
  const [log, events] = JSON.parse(line) as [string, string]
  const finish = finishOf(await Bun.file(log).text(), await Bun.file(events).text())
  process.stdout.write(`${JSON.stringify(await server.streams.check(job, 1, finish))}\n`)
}
