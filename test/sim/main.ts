/** Runs schedules: `bun test/sim/main.ts --from 1 --count 1000`; one seed alone tells its story. */
import { parseArgs } from 'node:util'
import { outside } from './files.ts'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    twice: { type: 'boolean', default: false },
  },
})
// Loaded only now: what they import must be what `files.ts` made of it.
const { runSchedule } = await import('./schedule.ts')

const from = Number(values.from)
const count = Number(values.count)
const say = (line: string) => outside.writeSync(1, `${line}\n`)
const total = { schedules: 0, jobs: 0, attempts: 0, performances: 0, virtualS: 0 }
let status = 0
for (let seed = from; seed < from + count && status === 0; seed++) {
  try {
    const report = await runSchedule(seed, count === 1 ? say : undefined)
    if (values.twice && (await runSchedule(seed)).digest !== report.digest) {
      throw new Error('Two runs of this seed differ')
    }
    total.schedules++
    total.jobs += report.jobs
    total.attempts += report.attempts
    total.performances += report.performances
    total.virtualS += Math.round(report.virtualMs / 1000)
  } catch (error) {
    status = 1
    say(`seed ${seed}: ${error instanceof Error ? error.message : error}`)
    if (error instanceof Error && error.name !== 'BrokenError') say(error.stack ?? '')
    say(`replay: bun test/sim/main.ts --from ${seed}`)
  }
}
say(JSON.stringify(total))
process.exit(status)
