/** Plays an agent that has a shim ready for its next attempt: for tests to kill. */
import type { AttemptFolder } from '../../../runners/executor.ts'
import { createLocalExecutor } from '../../../runners/local.ts'

const folder = JSON.parse(process.argv[2] ?? '') as AttemptFolder
const executor = createLocalExecutor({ keepSpare: true })
await executor.wait(await executor.start(folder, {}))
setInterval(() => undefined, 60_000)
