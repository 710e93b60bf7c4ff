/** Draws how far something has come, and says when it will be done. */
import type { Progress } from './follow.ts'
import { formatDuration, formatSize } from './quantities.ts'
import { plainText } from './style.ts'

const barWidth = 24

/** `━━━━━━────── 42%`. */
export const bar = (share: number): string => {
  const done = Math.max(0, Math.min(1, share))
  const filled = Math.round(done * barWidth)
  return `${'━'.repeat(filled)}${'─'.repeat(barWidth - filled)} ${Math.floor(done * 100)}%`
}

const counted = ({ done, total }: Progress): string =>
  total === null ? String(done) : `${done}/${total}`

const rest = ({ eta_s: eta, message }: Progress): string => {
  const left = eta === null || eta <= 0 ? '' : `  ETA ${formatDuration(eta * 1000)}`
  return left + (message ? `  ${plainText(message)}` : '')
}

export const shareOf = ({ done, total }: Progress): number | undefined =>
  total === null || total <= 0 ? undefined : done / total

/** For a terminal: a bar, the numbers, the time left, what the program says. */
export const progressBar = (progress: Progress): string => {
  const share = shareOf(progress)
  return `${share === undefined ? '' : `${bar(share)}  `}${counted(progress)}${rest(progress)}`
}

/** For a file or a pipe. */
export const progressLine = (progress: Progress): string => {
  const share = shareOf(progress)
  const percent = share === undefined ? '' : `${Math.floor(share * 100)}% `
  return `progress ${percent}${counted(progress)}${rest(progress)}`
}

/** Lets through a line for every tenth of the way, and the last one. */
export class ProgressSteps {
  #step = -1

  isDue(progress: Progress): boolean {
    const step = Math.floor((shareOf(progress) ?? 0) * 10)
    if (step === this.#step) return false
    this.#step = step
    return true
  }
}

/** `sending ━━━━── 42%  12.0 MiB of 30.0 MiB`. */
export const bytesBar = (what: string, done: number, total: number): string =>
  `${what} ${bar(total === 0 ? 1 : done / total)}  ${formatSize(done)} of ${formatSize(total)}`
