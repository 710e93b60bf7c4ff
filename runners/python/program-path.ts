/** Puts the helper module for Python programs where they find it, also from the compiled binary. */
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import hearthJob from './hearth_job.py' with { type: 'text' }

/**
 * The folder for a job's PYTHONPATH, under the node's own folder; a sandbox must let programs read
 * it. Each version has its own, so that an update changes nothing for jobs that run.
 */
export const programPath = async (stateDir: string): Promise<string> => {
  const version = new Bun.CryptoHasher('sha256').update(hearthJob).digest('hex').slice(0, 16)
  const folder = join(stateDir, 'python', version)
  const target = join(folder, 'hearth_job.py')
  if ((await readFile(target, 'utf8').catch(() => null)) === hearthJob) return folder
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const draft = `${target}.${crypto.randomUUID()}.tmp`
  await writeFile(draft, hearthJob)
  await chmod(draft, 0o444)
  await rename(draft, target)
  return folder
}
