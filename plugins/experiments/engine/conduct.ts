/** Conducts one experiment with all that it takes: owner, data, proposer, policy. */
import { type Auth, HearthError, type Who } from '../../../src/sdk.ts'
import type { Experiment } from '../experiment.ts'
import { builtInAuthor } from '../propose/proposer.ts'
import { readExperiment } from '../rows.ts'
import { policyOf } from '../search/policies.ts'
import { randomFrom } from '../search/random.ts'
import type { Ending } from './conductor-options.ts'
import { Conductor } from './conductor.ts'
import type { EngineOptions } from './engine.ts'
import { finishExperiment } from './finish.ts'
import { judgeNode } from './judge-node.ts'
import type { LaidGroundwork } from './lay-groundwork.ts'
import { elapsedMs, isRunning } from './phase.ts'

/** Holds an experiment from before its conductor is there. */
export interface Hand {
  readonly stop: AbortController
  readonly leave: AbortController
  conductor?: Conductor
}

export interface ConductOptions extends EngineOptions {
  lay(experiment: Experiment): Promise<LaidGroundwork>
}

/** @throws whatever made the experiment fail */
export const conduct = async (options: ConductOptions, id: string, hand: Hand): Promise<Ending> => {
  const { db, auth, clock, store, executor, referee, blobs, leases } = options
  const experiment = await readExperiment(db, id)
  const owner = await ownerOf(auth, experiment.ownerId)
  const groundwork = await options.lay(experiment)
  const proposer = await options.proposerOf(experiment)
  const isClimber = proposer.name === builtInAuthor
  if (isClimber && !groundwork.preview?.tables.some(({ rows }) => rows > 0)) {
    const message = 'The built-in proposer needs a table, and no file has rows that can be read'
    throw new HearthError('validation', message)
  }
  const policy = policyOf(experiment.settings)
  const [stop, leave] = [hand.stop.signal, hand.leave.signal]
  const common = { experiment, owner, groundwork, executor, stop, leave }
  const journal = await store.load(id)
  // Ended by another hand, before the lease was taken.
  if (!isRunning(journal)) return 'ended'
  hand.conductor = new Conductor(
    {
      ...common,
      proposer,
      clock,
      decide: (seen, elapsedShare, random) =>
        policy.next({ journal: seen, settings: experiment.settings.search, elapsedShare }, random),
      randomOf: (decision) => randomFrom(experiment.settings.seed, decision),
      append: async (decide) => {
        const { journal: after } = await store.append(id, decide, (tx) => leases.check(tx, id))
        return after
      },
      judge: (node, run, context, maximize) =>
        judgeNode({ referee, proposer, groundwork }, node, run, context, maximize),
      finish: ({ journal: last, isSpent, context, secondsLeft, stop: ending }) =>
        finishExperiment(
          {
            ...common,
            referee,
            blobs,
            secondsLeft,
            stop: ending,
            writeReport: async (best) =>
              isSpent ? null : ((await proposer.report?.(context, best)) ?? null),
          },
          last,
        ),
      spent: (seen) => options.spent(experiment, elapsedMs(seen, clock.now()) / 1000),
    },
    journal,
  )
  return hand.conductor.run()
}

/** Programs run in the name of the experiment's owner, with the owner's rights. */
export const ownerOf = async (auth: Auth, ownerId: number): Promise<Who> => {
  if (ownerId === 0) return { id: 0, username: 'local', isSuperuser: true, via: 'local' }
  const user = await auth.user(ownerId)
  if (!user) throw new HearthError('not_found', `There is no user ${ownerId}`)
  const { id, username, isSuperuser } = user
  return { id, username, isSuperuser, via: 'key' }
}
