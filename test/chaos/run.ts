/** `bun run chaos`: long campaigns on both databases; fails when anything was found. */
import { parseArgs } from 'node:util'
import { say } from '../../scripts/say.ts'
import { temporaryDatabase } from '../../scripts/temporary.ts'
import { runCampaign } from './campaign.ts'

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '500' },
    agents: { type: 'string', default: '3' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    database: { type: 'string', default: 'sqlite,postgres' },
    policy: { type: 'string', default: 'hold,retry' },
    keep: { type: 'boolean', default: false },
  },
})

const jobs = Number(values.jobs)
let failed = false
for (const database of values.database.split(',')) {
  for (const policy of values.policy.split(',') as ('hold' | 'retry')[]) {
    await using postgres = database === 'postgres' ? await temporaryDatabase() : null
    say(`${database}, ${policy}, ${jobs} jobs, seed ${values.seed}`)
    const began = performance.now()
    const { findings, ...result } = await runCampaign({
      seed: Number(values.seed),
      jobs,
      agents: Number(values.agents),
      policy,
      blows: Number.POSITIVE_INFINITY,
      calmMs: 2000,
      timeoutMs: 60_000 + jobs * 5000,
      keeps: values.keep,
      ...(postgres && { env: { DATABASE_URL: postgres.url } }),
    })
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    say(`${JSON.stringify({ seconds, ...result })}`)
    for (const finding of findings) say(`FOUND: ${finding}`)
    failed ||= findings.length > 0
  }
}
process.exit(failed ? 1 : 0)
