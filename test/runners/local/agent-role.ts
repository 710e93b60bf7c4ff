/** Plays an agent that starts an attempt and waits: for tests to kill. */
import type { AttemptFolder } from '../../../runners/executor.ts'
import { createLocalExecutor } from '../../../runners/local.ts'

const folder = JSON.parse(process.argv[2] ?? '') as AttemptFolder
const executor = createLocalExecutor()
await executor.wait(await executor.start(folder, {}))
