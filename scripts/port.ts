/** Asks the kernel for a port that is free right now. */
export const freePort = (): number => {
  const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const { port } = probe
  probe.stop(true)
  return port
}

/** Calls `ready` until it answers true; a condition is waited for, never a time. */
export const waitUntil = async (
  what: string,
  ready: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> => {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    if (await ready()) return
    await Bun.sleep(20)
  }
  throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`)
}
