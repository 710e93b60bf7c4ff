/** `bun run bench NAME`: the benchmark tables. */
import { benchExperiments } from './experiments/index.ts'
import { benchJobs } from './jobs/index.ts'
import { benchScenarios } from './scenarios/index.ts'
import { benchTracking } from './tracking/index.ts'

const benches: Readonly<Record<string, (flags: ReadonlySet<string>) => Promise<void>>> = {
  experiments: benchExperiments,
  jobs: benchJobs,
  scenarios: benchScenarios,
  tracking: benchTracking,
}

const [name = '', ...flags] = process.argv.slice(2)
const bench = benches[name]
if (!bench) {
  process.stderr.write(`Usage: bun run bench ${Object.keys(benches).join('|')} [--quick]\n`)
  process.exit(2)
}
await bench(new Set(flags))
