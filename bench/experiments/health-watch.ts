/** A process that asks a server every 20 ms how it is: `health-watch.ts ORIGIN`. */

const everyMs = 20
let isOver = false

const watch = async (origin: string): Promise<void> => {
  const latenciesMs: number[] = []
  const ask = async () => {
    const begun = performance.now()
    await (await fetch(`${origin}/health`)).arrayBuffer()
    return performance.now() - begun
  }
  // The first ones are slow by what this process does for the first time.
  for (let i = 0; i < 20; i++) await ask()
  process.send?.('ready')
  while (!isOver) {
    const tookMs = await ask()
    latenciesMs.push(tookMs)
    await Bun.sleep(Math.max(0, everyMs - tookMs))
  }
  process.send?.(latenciesMs)
  process.disconnect?.()
}

process.on('message', () => {
  isOver = true
})
await watch(process.argv[2] ?? '')

export {}
