/** One random schedule of the protocol alone: a thousandth of the cost of the whole program. */
import { isTerminal } from '../../src/jobs/job.ts'
import { BrokenError } from './broken.ts'
import { ModelNode, type Stage } from './protocol-node.ts'
import { EventQueue } from './protocol-queue.ts'
import { type ModelJob, ModelServer } from './protocol-server.ts'
import { type Chance, chanceOf } from './random.ts'

const badLuckMs = 60_000
const patienceMs = 600_000

/** @throws BrokenError */
export const runProtocol = (seed: number): { attempts: number } => {
  const chance = chanceOf(seed)
  const queue = new EventQueue()
  const server = new ModelServer(queue)
  const stage: Stage = { running: new Map(), begun: new Map(), completed: new Map() }
  const nodes = Array.from({ length: chance.between(1, 3) }, (_, at) => {
    const node = new ModelNode(`node${at}`, { queue, server, chance, stage })
    node.weather = {
      lose: chance.next() * 0.4,
      double: chance.next() * 0.4,
      maxDelayMs: chance.pick([5, 50, 500, 3000]),
    }
    return node
  })
  const sweep = () => {
    server.sweep()
    queue.after(1000, sweep)
  }
  sweep()
  misfortune(chance, queue, server, nodes)
  while (queue.step(badLuckMs));
  for (const node of nodes) {
    node.isCut = false
    node.weather = { lose: 0, double: 0, maxDelayMs: 5 }
  }
  while (!isQuiet(server, nodes, stage)) {
    if (queue.nowMs > badLuckMs + patienceMs) throw new BrokenError('It never ended')
    if (!queue.step(Number.POSITIVE_INFINITY)) throw new BrokenError('Nothing goes on')
  }
  for (const job of server.jobs.values()) check(job, stage)
  return { attempts: stage.begun.size }
}

const misfortune = (
  chance: Chance,
  queue: EventQueue,
  server: ModelServer,
  nodes: readonly ModelNode[],
): void => {
  const at = (work: () => void) => queue.after(chance.between(0, badLuckMs), work)
  for (let n = chance.between(1, 5); n > 0; n--) at(() => submit(chance, server, `job${n}`))
  for (let n = chance.between(0, 8); n > 0; n--) {
    const node = chance.pick(nodes)
    const whileMs = chance.between(50, 40_000)
    const doings = [
      () => server.restart(),
      () => node.restart(whileMs),
      () => node.crash(whileMs),
      () => {
        node.isCut = true
        queue.after(whileMs, () => {
          node.isCut = false
        })
      },
    ]
    at(chance.pick(doings))
  }
  for (let n = chance.between(0, 4); n > 0; n--) {
    at(() => {
      const jobs = [...server.jobs.values()]
      if (jobs.length === 0) return
      server.command(chance.pick(jobs), chance.pick(['cancel', 'pause', 'pause', 'resume']))
    })
  }
}

const submit = (chance: Chance, server: ModelServer, id: string): void => {
  const graceMs = chance.between(0, 1000)
  const stop_after_ms = chance.between(1000, 15_000)
  const retry = {
    on_disconnect: 'retry',
    max_attempts: chance.between(1, 4),
    stop_after_ms,
    reassign_after_ms: stop_after_ms + graceMs + chance.between(500, 3000),
  } as const
  server.submit(
    {
      id,
      graceMs,
      runMs: chance.happens(0.5) ? chance.between(0, 6000) : chance.between(0, 60_000),
      exitCode: chance.happens(0.3) ? 1 : 0,
      hasCheckpoint: chance.happens(0.5),
    },
    chance.happens(0.6) ? retry : { on_disconnect: 'hold' },
  )
}

const isQuiet = (server: ModelServer, nodes: readonly ModelNode[], stage: Stage): boolean =>
  [...server.jobs.values()].every(
    ({ core: { state } }) => isTerminal(state) || state === 'paused',
  ) &&
  nodes.every(({ attempts }) => attempts.size === 0) &&
  stage.running.size === 0

const check = ({ id, policy, core, resumes, exitCode }: ModelJob, stage: Stage): void => {
  const completed = stage.completed.get(id) ?? 0
  const begun = [...stage.begun.keys()].filter((key) => key.startsWith(`${id}/`)).length
  if (policy.on_disconnect === 'hold') {
    if (completed > 1) throw new BrokenError(`${id} completed ${completed} times`)
    if (begun > 1 + resumes) throw new BrokenError(`${id} began ${begun} times`)
  }
  const isTrue = core.state !== 'succeeded' || (completed > 0 && exitCode === 0)
  if (!isTrue) throw new BrokenError(`${id} succeeded, but its program did not`)
}
