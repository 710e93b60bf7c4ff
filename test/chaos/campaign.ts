/** A campaign: jobs are handed in while everything around them breaks, and then all is compared. */
import { temporaryFolder } from '../../scripts/temporary.ts'
import { waitUntil } from '../../scripts/port.ts'
import { auditJob, auditWorld, type ChaosJob, type JobAnswer, type Repeats } from './audit.ts'
import { isAlive, shimsStartedBy } from './processes.ts'
import { planOf, randomProgram, Witness } from './program.ts'
import { type Random, seeded } from './random.ts'
import { type Damage, storm } from './storm.ts'
import { World } from './world.ts'

export interface CampaignOptions {
  readonly seed: number
  readonly jobs: number
  readonly agents: number
  readonly policy: 'hold' | 'retry'
  /** Things to break while there is work. */
  readonly blows: number
  readonly calmMs: number
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs: number
  /** Keeps the folder, for whoever looks for the reason. */
  readonly keeps?: boolean
}

export interface CampaignResult {
  /** Everything that should not be, in words. */
  readonly findings: readonly string[]
  readonly damage: Damage
  readonly lostReplies: number
  readonly states: Readonly<Record<string, number>>
  readonly logBytes: number
  readonly repeats: Repeats
}

export const runCampaign = async (options: CampaignOptions): Promise<CampaignResult> => {
  const folder = await temporaryFolder()
  const random = seeded(options.seed)
  const witness = new Witness(`${folder.path}/witness`)
  const world = new World({
    folder: folder.path,
    agents: options.agents,
    // Its own chance: how many replies there are depends on time.
    random: seeded(options.seed + 1),
    lossProbability: 0.03,
    ...(options.env && { env: options.env }),
  })
  try {
    await world.start()
    const jobs = Array.from({ length: options.jobs }, () => newJob(options, random, witness))
    let ended = false
    const storming = storm({
      world,
      folder: folder.path,
      random,
      blows: options.blows,
      calmMs: options.calmMs,
      maxShims: Math.ceil(options.jobs / 8),
      isOver: () => ended,
    })
    const submitting = submitAll(world, jobs, random)
    const working = submitting.then(() => untilEnded(world, jobs, options.timeoutMs))
    // Whichever fails first must not leave the other unheard.
    working.finally(() => (ended = true)).catch(() => undefined)
    const [damage, answers] = await Promise.all([storming, working])
    const result = await judge(world, folder.path, witness, jobs, answers, damage)
    const shims = shimsStartedBy(world.pids())
    await world.stop()
    // What was ready for jobs that did not come ends with whoever had it ready.
    await waitUntil('the last shims to end', () => !shims.some(isAlive))
    return result
  } catch (error) {
    process.stderr.write(`${world.serverOutput().slice(-4000)}\n`)
    throw error
  } finally {
    await world.stop()
    if (options.keeps) process.stderr.write(`kept: ${folder.path}\n`)
    else await folder[Symbol.asyncDispose]()
  }
}

const retryPolicy = {
  on_disconnect: 'retry',
  max_attempts: 50,
  backoff_ms: 100,
  stop_after_ms: 2500,
  reassign_after_ms: 5000,
}

const newJob = (options: CampaignOptions, random: Random, witness: Witness): ChaosJob => {
  // Under `retry` a job must be able to outlast the silence after which it is given away.
  const program = randomProgram(random, options.policy === 'retry' ? 0.4 : 0.12)
  const submission = {
    name: program.seed,
    plan: planOf(program, witness),
    policy: options.policy === 'retry' ? retryPolicy : { on_disconnect: 'hold' },
    idempotency_key: program.seed,
    priority: random.whole(0, 3),
  }
  return {
    id: '',
    program,
    submission,
    policy: options.policy,
    isCancelled: random.chance(0.08),
  }
}

/** Asks again until the server answers: the key makes it one job. */
const submitAll = async (world: World, jobs: readonly ChaosJob[], random: Random) => {
  for (const job of jobs) {
    await insist(async () => {
      const { id } = await world.ask<{ id: string }>('POST', '/api/jobs', job.submission)
      job.id = id
    })
    if (job.isCancelled) {
      const victim = job
      setTimeout(
        () => void insist(() => cancel(world, victim.id)).catch(() => undefined),
        random.between(0, 4000),
      )
    }
    await Bun.sleep(random.between(0, 60))
  }
}

const cancel = async (world: World, id: string): Promise<void> => {
  try {
    await world.ask('POST', `/api/jobs/${id}/cancel`)
  } catch (error) {
    // It has ended by itself.
    if (!(error as Error).message.includes(': 409 ')) throw error
  }
}

const insist = async (act: () => Promise<void>): Promise<void> => {
  const deadline = performance.now() + 60_000
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await Bun.sleep(100)
    }
  }
}

const terminal = new Set(['succeeded', 'failed', 'cancelled'])

const untilEnded = async (
  world: World,
  jobs: readonly ChaosJob[],
  timeoutMs: number,
): Promise<Map<string, JobAnswer>> => {
  const answers = new Map<string, JobAnswer>()
  try {
    await waitUntil(
      'all jobs to end',
      async () => {
        for (const { id } of jobs) {
          if (answers.has(id)) continue
          const answer = await world.ask<JobAnswer>('GET', `/api/jobs/${id}`).catch(() => null)
          if (answer && terminal.has(answer.state)) answers.set(id, answer)
        }
        await Bun.sleep(200)
        return answers.size === jobs.length
      },
      timeoutMs,
    )
  } catch (error) {
    const open = jobs.filter(({ id }) => !answers.has(id))
    const seen = await Promise.all(
      open.slice(0, 5).map(({ id }) => world.ask('GET', `/api/jobs/${id}`).catch(String)),
    )
    throw new Error(`${(error as Error).message}; open: ${open.length}: ${JSON.stringify(seen)}`)
  }
  return answers
}

const judge = async (
  world: World,
  folder: string,
  witness: Witness,
  jobs: readonly ChaosJob[],
  answers: ReadonlyMap<string, JobAnswer>,
  damage: Damage,
): Promise<CampaignResult> => {
  const { findings, repeats } = await auditWorld(world, folder, witness, jobs)
  const states: Record<string, number> = {}
  let logBytes = 0
  for (const job of jobs) {
    const answer = answers.get(job.id) as JobAnswer
    const key =
      answer.state === 'succeeded' ? 'succeeded' : `${answer.state}: ${answer.outcome?.reason}`
    states[key] = (states[key] ?? 0) + 1
    const audit = await auditJob(world, witness, job, answer)
    findings.push(...audit.findings)
    logBytes += audit.logBytes
  }
  const lostReplies = world.nodes.reduce((sum, { link }) => sum + link.lostReplies, 0)
  return { findings, damage, lostReplies, states, logBytes, repeats }
}
