/** Plays an agent that starts a container and waits: for tests to kill. */
import { createDockerExecutor } from '../../../runners/docker/docker.ts'
import type { AttemptFolder } from '../../../runners/executor.ts'

const [folder = '', dockerHost, attemptsDir = '', env = '{}'] = process.argv.slice(2)
const executor = createDockerExecutor({ dockerHost, attemptsDir, pull: 'never' })
await executor.wait(
  await executor.start(
    JSON.parse(folder) as AttemptFolder,
    JSON.parse(env) as Record<string, string>,
  ),
)
