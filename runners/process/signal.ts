/** Sends signals to processes that may be gone by then, and ends whole sets of them for certain. */

/** Answers whether anything was there to get it. */
export const sendSignal = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

/**
 * Kills what `find` names, again and again, until it names nothing: a process may fork between
 * being found and being killed. Answers false when some were still there at the end of `patienceMs`
 * (in an uninterruptible wait, say: the kernel ends them once it is over).
 */
export const killUntilNone = async (
  find: () => readonly number[],
  patienceMs = 10_000,
): Promise<boolean> => {
  const giveUpAt = performance.now() + patienceMs
  let pauseMs = 1
  for (;;) {
    const left = find()
    if (left.length === 0) return true
    if (performance.now() > giveUpAt) return false
    // All are stopped before any is killed, so that none is told of a death and forks in answer.
    for (const pid of left) sendSignal(pid, 'SIGSTOP')
    for (const pid of left) sendSignal(pid, 'SIGKILL')
    await Bun.sleep(pauseMs)
    pauseMs = Math.min(pauseMs * 2, 50)
  }
}
