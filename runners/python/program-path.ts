/** Puts the modules for Python programs where they find them, also from the compiled binary. */
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import hearthJob from './hearth_job.py' with { type: 'text' }
import hearthStep from './hearth_step.py' with { type: 'text' }

const modules = { 'hearth_job.py': hearthJob, 'hearth_step.py': hearthStep } as const

/**
 * The folder for a job's PYTHONPATH, under the node's own folder; a sandbox must let programs read
 * it. Each version has its own, so that an update changes nothing for jobs that run.
 */
export const programPath = async (stateDir: string): Promise<string> => {
  const hash = new Bun.CryptoHasher('sha256').update(JSON.stringify(modules))
  const folder = join(stateDir, 'python', hash.digest('hex').slice(0, 16))
  for (const [name, text] of Object.entries(modules)) await place(join(folder, name), text, folder)
  return folder
}

const place = async (target: string, text: string, folder: string): Promise<void> => {
  if ((await readFile(target, 'utf8').catch(() => null)) === text) return
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const draft = `${target}.${crypto.randomUUID()}.tmp`
  await writeFile(draft, text)
  await chmod(draft, 0o444)
  await rename(draft, target)
}
