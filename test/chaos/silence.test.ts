/** An agent dies and stays dead: its shim ends the job by itself before another node begins it. */
import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { processesOf } from './processes.ts'
import { planOf, type Program, Witness, wholeLog } from './program.ts'
import { seeded } from './random.ts'
import { type Node, World } from './world.ts'

interface Job {
  readonly id: string
  readonly state: string
  readonly attempt: number
  readonly node: string
}

const program = (lines: number): Program => ({
  seed: 'silence',
  lines,
  pauseS: '0.1',
  escapes: true,
  burstBytes: 0,
})
/** Longer than the silence after which the job is given away. */
const long = program(300)
const short = program(30)

/** A job that has begun on one of two nodes, the agent of which is then killed. */
const onDeadAgent = async (
  program: Program,
  policy: object,
  prove: (world: World, job: Job, dead: Node, witness: Witness) => Promise<void>,
): Promise<void> => {
  await using folder = await temporaryFolder()
  const witness = new Witness(`${folder.path}/witness`)
  const world = new World({
    folder: folder.path,
    agents: 2,
    random: seeded(1),
    lossProbability: 0,
    labels: ['far'],
  })
  try {
    await world.start()
    const plan = { ...planOf(program, witness), needs: { labels: ['far'] } }
    const { id } = await world.ask<Job>('POST', '/api/jobs', { plan, policy })
    await waitUntil('the program to write', () => witness.linesWritten(id, 1) > 5)
    const job = await world.ask<Job>('GET', `/api/jobs/${id}`)
    const dead = world.nodes.find(({ name }) => name === job.node) as Node
    await dead.end('SIGKILL')
    await prove(world, job, dead, witness)
  } finally {
    await world.stop()
  }
}

test('under `retry` the first attempt is dead when the second begins', async () => {
  const policy = {
    on_disconnect: 'retry',
    max_attempts: 2,
    stop_after_ms: 2000,
    reassign_after_ms: 4000,
  }
  await onDeadAgent(long, policy, async (world, { id }, dead, witness) => {
    await waitUntil('the second attempt', () => witness.linesWritten(id, 2) > 5)
    expect(witness.tally()).toEqual([
      { what: 'begin', job: id, attempt: 1 },
      { what: 'begin', job: id, attempt: 2 },
    ])
    expect(processesOf(dead.stateDir)).toEqual([])
    // It must not be taken up again by an agent that comes back.
    dead.start()
    const attempts = join(dead.stateDir, 'attempts')
    await waitUntil('the old attempt to be forgotten', () => readdirSync(attempts).length === 0)
    const { state, attempt } = await world.ask<Job>('GET', `/api/jobs/${id}`)
    expect({ state, attempt }).toEqual({ state: 'running', attempt: 2 })
    expect(witness.tally()).toHaveLength(2)
  })
}, 60_000)

test('under `hold` the program goes on, and the agent that comes back delivers it', async () => {
  await onDeadAgent(short, { on_disconnect: 'hold' }, async (world, { id }, dead, witness) => {
    await waitUntil('the program to end', () => witness.tally().length === 2)
    dead.start()
    await waitUntil('the end', async () => {
      const { state } = await world.ask<Job>('GET', `/api/jobs/${id}`)
      return state === 'succeeded'
    })
    expect(witness.tally()).toEqual([
      { what: 'begin', job: id, attempt: 1 },
      { what: 'end', job: id, attempt: 1 },
    ])
    const log = await fetch(`${world.origin}/api/jobs/${id}/logs`)
    expect(await log.text()).toBe(wholeLog(short).toString())
  })
}, 60_000)
