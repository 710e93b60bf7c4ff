/** What a thousand agents cost a server while there is nothing to do. */
import { SpeakingAgent } from './agent.ts'
import { type BenchServer, cpuMs } from './server.ts'

const longPollMs = 25_000

/** The share of one core, from 0 to 1. */
export const measureFleet = async (
  server: BenchServer,
  agents: number,
  seconds: number,
): Promise<number> => {
  const token = await server.joinToken()
  const fleet: SpeakingAgent[] = []
  for (let begun = 0; begun < agents; begun += 20) {
    const some = Array.from({ length: Math.min(20, agents - begun) }, (_, index) =>
      SpeakingAgent.join(server.origin, token, `fleet-${begun + index}`, 1),
    )
    fleet.push(...(await Promise.all(some)))
  }
  let over = false
  let failure: Error | undefined
  const polls = fleet.map(async (agent, index) => {
    // Spread out, as agents that were not started all at once are.
    await Bun.sleep((longPollMs * index) / agents)
    while (!over) await agent.sync([], longPollMs)
  })
  for (const poll of polls) poll.catch((error: Error) => (failure ??= error))
  await Bun.sleep(longPollMs + 1000)
  const before = cpuMs(server.pid)
  await Bun.sleep(seconds * 1000)
  const share = (cpuMs(server.pid) - before) / (seconds * 1000)
  over = true
  if (failure) throw failure
  for (const agent of fleet) agent.close()
  return share
}
