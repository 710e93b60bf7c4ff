/** What happens when an attempt fails or its node falls silent: defaults, bounds and waits. */
import type { Static } from '@sinclair/typebox'
import { HearthError } from '../kernel/errors.ts'
import type { Plan } from './plan.ts'
import type { JobPolicy, Policy } from './submission.ts'

export const defaultGraceMs = 30_000
const defaultStopAfterMs = 60_000
/** Between the moment a node must have ended an attempt and the next attempt. */
const defaultMarginMs = 30_000
const defaultBackoffMs = 1000
const maxBackoffMs = 3_600_000

export const graceOf = (plan: Plan): number => plan.graceMs ?? defaultGraceMs

/** @throws HearthError `validation` where two attempts could run at once */
export const completePolicy = (
  given: Static<typeof Policy> | undefined,
  graceMs: number,
): JobPolicy => {
  const kind = given?.on_disconnect ?? 'hold'
  const backoff_ms = given?.backoff_ms ?? defaultBackoffMs
  if (kind === 'hold') {
    return {
      on_disconnect: 'hold',
      max_attempts: given?.max_attempts ?? 1,
      backoff_ms,
      stop_after_ms: null,
      reassign_after_ms: null,
    }
  }
  const stop = given?.stop_after_ms ?? defaultStopAfterMs
  const reassign = given?.reassign_after_ms ?? stop + graceMs + defaultMarginMs
  if (reassign <= stop + graceMs) {
    const path = '/policy/reassign_after_ms'
    const message =
      `must be more than stop_after_ms and the plan's graceMs together ` +
      `(${stop} + ${graceMs} ms), or two attempts could run at once`
    throw new HearthError('validation', `${path}: ${message}`, { issues: [{ path, message }] })
  }
  return {
    on_disconnect: 'retry',
    max_attempts: given?.max_attempts ?? 3,
    backoff_ms,
    stop_after_ms: stop,
    reassign_after_ms: reassign,
  }
}

/** Before attempt `next`, counted from 1. */
export const backoffMs = ({ backoff_ms }: JobPolicy, next: number): number =>
  next < 2 ? 0 : Math.min(maxBackoffMs, backoff_ms * 2 ** Math.min(next - 2, 30))
