/** Whether a program said that it wrote a checkpoint: only then is it paused, not just ended. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

export const checkpointSeen = async (eventsPath: string): Promise<boolean> => {
  try {
    const lines = createInterface({ input: createReadStream(eventsPath) })
    for await (const line of lines) {
      if (line.includes('"checkpoint"') && isCheckpoint(line)) return true
    }
  } catch {
    // No events at all.
  }
  return false
}

const isCheckpoint = (line: string): boolean => {
  try {
    const event = JSON.parse(line) as { type?: unknown; path?: unknown }
    return event.type === 'checkpoint' && typeof event.path === 'string'
  } catch {
    return false
  }
}
