/** How soon a server answers `/health` while something else goes on, asked by another process. */
import { join } from 'node:path'

export interface HealthWatch {
  /** Milliseconds of each answer since the watch began. */
  end(): Promise<readonly number[]>
}

export const watchHealth = async (origin: string): Promise<HealthWatch> => {
  const messages: unknown[] = []
  let heard = () => {}
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'health-watch.ts'), origin], {
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc(message) {
      messages.push(message)
      heard()
    },
  })
  const message = async () => {
    if (messages.length === 0) {
      await Promise.race([
        new Promise<void>((resolve) => (heard = resolve)),
        child.exited.then((code) => {
          if (messages.length === 0) throw new Error(`The watch of /health ended with ${code}`)
        }),
      ])
    }
    return messages.shift()
  }
  await message()
  return {
    async end() {
      child.send('end')
      return (await message()) as number[]
    },
  }
}
