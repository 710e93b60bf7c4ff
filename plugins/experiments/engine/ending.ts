/** How an experiment that did not complete is written down. */
import { HearthError } from '../../../src/sdk.ts'
import type { JournalEvent } from '../journal/events.ts'

export const endingOf = (ending: 'stopped' | { readonly error: unknown }): JournalEvent => {
  if (typeof ending === 'string') return { type: 'stopped', reason: 'Stopped by the user' }
  const { error } = ending
  // What was written for people is shown; anything else is in the log only.
  if (error instanceof HearthError) {
    return { type: 'failed', error: 'EXECUTION_ERROR', message: error.message }
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return { type: 'failed', error: error.code, message: error.message }
  }
  return { type: 'failed', error: 'EXECUTION_ERROR', message: 'The experiment ended by an error' }
}
