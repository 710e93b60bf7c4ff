/** Ctrl-C while a job is watched: the first asks whether to cancel it, the second leaves it be. */
import type { Screen } from './screen.ts'

export interface InterruptOptions {
  readonly screen: Screen
  cancel(): Promise<void>
  leave(): void
}

/**
 * Where nobody can answer, the first interrupt means yes. Answers what takes the handling back.
 */
export const onInterrupt = ({ screen, cancel, leave }: InterruptOptions): (() => void) => {
  let times = 0
  const canAsk = process.stdin.isTTY === true && process.stderr.isTTY === true
  const answer = (data: Buffer): void => {
    stopListening()
    if (/^\s*y/i.test(data.toString())) {
      void cancel()
      return
    }
    times = 0
    screen.note('It runs on.')
  }
  const stopListening = (): void => {
    process.stdin.off('data', answer)
    process.stdin.pause()
  }
  const interrupted = (): void => {
    times++
    if (times > 1) {
      leave()
    } else if (canAsk) {
      screen.note('Cancel the job? [y/N]  (Ctrl-C again: leave it running)')
      process.stdin.on('data', answer)
      process.stdin.resume()
    } else void cancel()
  }
  process.on('SIGINT', interrupted)
  return () => {
    process.off('SIGINT', interrupted)
    stopListening()
  }
}
