/** The share of a training that agents play, where its job is told of a framework. */
import type { Framework } from '../frameworks.ts'
import type { Decide } from '../gateway/chat-model.ts'
import type { Trainer } from '../training/trainer.ts'
import { HarnessRollouts, type StartHarness } from './rollouts.ts'
import { HarnessShare } from './share.ts'

/** null: it plays all its episodes itself. `framework`: of the job's environment. */
export const shareOf = (
  framework: string | undefined,
  trainer: Trainer,
  start: StartHarness | undefined,
): HarnessShare | null => {
  const name = (framework ?? 'Native') as Framework
  if (name === 'Native') return null
  if (!start) throw new Error(`Nobody here starts the harness of ${name}`)
  const { scenario } = trainer
  const decide: Decide = (seen, mask) => ({ action: trainer.act(seen, mask) })
  const rollouts = new HarnessRollouts({ scenario, framework: name, start, decide })
  return new HarnessShare(name, rollouts, scenario)
}
