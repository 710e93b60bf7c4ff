/** Asks SQLite whether the files of a data folder are whole. */
import { Database } from 'bun:sqlite'
import { Glob } from 'bun'
import { join } from 'node:path'

/** The answer of `pragma integrity_check` for each database of the folder, by file name. */
export const integrity = async (dataDir: string): Promise<Record<string, string>> => {
  const answers: Record<string, string> = {}
  for (const path of new Glob('**/*').scanSync(dataDir)) {
    const head = await Bun.file(join(dataDir, path)).slice(0, 15).text()
    if (head !== 'SQLite format 3') continue
    const database = new Database(join(dataDir, path))
    const row = database.query<{ integrity_check: string }, []>('pragma integrity_check').get()
    database.close()
    answers[path] = row?.integrity_check ?? 'no answer'
  }
  return answers
}
