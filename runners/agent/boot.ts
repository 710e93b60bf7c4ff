/** Numbers the lives of an agent, so that what an earlier one sent is known when it comes late. */
import { join } from 'node:path'
import { readIfThere, writeDurably } from './durable-file.ts'

export const nextBoot = async (stateDir: string): Promise<string> => {
  const path = join(stateDir, 'boots')
  const last = Number.parseInt((await readIfThere(path)) ?? '', 10) || 0
  await writeDurably(path, `${last + 1}\n`)
  return `${last + 1}.${crypto.randomUUID()}`
}
