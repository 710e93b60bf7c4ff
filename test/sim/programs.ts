/** Random jobs: what their programs do, and what is to happen when they fail. */
import type { Submission } from '../../src/jobs/submission.ts'
import { checkpointName } from './host.ts'
import type { Chance } from './random.ts'

const checkpoint = JSON.stringify({ type: 'checkpoint', path: checkpointName })

const stepsOf = (chance: Chance): string[] => {
  const steps: string[] = []
  if (chance.happens(0.15)) steps.push('deaf')
  if (chance.happens(0.4)) steps.push(`event=${checkpoint}`)
  for (let n = chance.between(0, 3); n > 0; n--) {
    const words = chance.happens(0.1) ? 'x'.repeat(chance.between(1, 100_000)) : 'a line'
    steps.push(`log=${words} ${chance.between(0, 1e9)}`)
    if (chance.happens(0.7)) steps.push(`sleep=${(chance.next() * 3).toFixed(2)}`)
    if (chance.happens(0.3)) steps.push(`event={"type":"progress","done":${n},"total":3}`)
  }
  if (chance.happens(0.25)) steps.push(`sleep=${chance.between(10, 30)}`)
  steps.push('log=done')
  if (chance.happens(0.3)) steps.push('exit=1')
  return steps
}

export const randomJob = (chance: Chance, key: string, known: readonly string[]): Submission => {
  const graceMs = chance.between(0, 1000)
  const stopMs = chance.between(1000, 4000)
  const retry = {
    on_disconnect: 'retry',
    max_attempts: chance.between(1, 3),
    backoff_ms: chance.between(0, 500),
    stop_after_ms: stopMs,
    // The look of the shim, a quarter of a second, is part of the margin.
    reassign_after_ms: stopMs + graceMs + chance.between(500, 3000),
  } as const
  const after = known.length > 0 && chance.happens(0.15) ? [chance.pick(known)] : []
  return {
    name: key,
    idempotency_key: key,
    plan: {
      command: ['dummy', ...stepsOf(chance)],
      graceMs,
      needs: { cpus: 1, gpus: chance.happens(0.3) ? 1 : 0 },
    },
    priority: chance.between(-1, 1),
    after,
    policy: chance.happens(0.5) ? retry : { on_disconnect: 'hold' },
  }
}
