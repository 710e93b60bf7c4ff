/** The files a program named in its events: read line by line, however many there are. */
import { attemptFiles } from '../attempt-files.ts'
import type { Named } from '../workspace/outputs.ts'

/** A longer line names no file worth keeping. */
const maxLineBytes = 64 * 2 ** 10

export const namedOutputs = async (folder: string): Promise<Named[]> => {
  const file = Bun.file(attemptFiles(folder).events)
  if (!(await file.exists())) return []
  const named: Named[] = []
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of file.stream()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxLineBytes) rest = rest.slice(0, maxLineBytes + 1)
    for (const line of lines) named.push(...nameIn(line))
  }
  return [...named, ...nameIn(rest)]
}

const nameIn = (line: string): Named[] => {
  if (line.length > maxLineBytes || !line.includes('"path"')) return []
  try {
    const { type, path } = JSON.parse(line) as { type?: unknown; path?: unknown }
    if (typeof path !== 'string') return []
    return type === 'artifact' || type === 'checkpoint' ? [{ path, kind: type }] : []
  } catch {
    // The server tells the owner about broken lines.
    return []
  }
}
