/** Why an attempt is ended from outside, and the outcome each of these leads to. */
import type { OutcomeReason } from '../../src/jobs/protocol.ts'

export type StopReason = 'cancel' | 'pause' | 'timeout' | 'deadline'

export const stopOutcomes: Readonly<Record<StopReason, OutcomeReason>> = {
  cancel: 'cancelled',
  pause: 'paused',
  timeout: 'timeout',
  deadline: 'lease_expired',
}
