/** Gets the image of a plan: found, or pulled with its progress told. */
import { type Engine, EngineError, isMissing } from './engine.ts'

export const pullPolicies = ['missing', 'always', 'never'] as const
/** When to ask the registry: for images that are not here, for every job, or not at all. */
export type PullPolicy = (typeof pullPolicies)[number]

export interface Image {
  /** Digest: what a name means may change while a job starts. */
  readonly id: string
  /** PATH as the image sets it. */
  readonly path: string | null
}

export type Report = (detail: string) => void

/** Another try will not bring it. */
export class ImageError extends Error {
  override readonly name = 'ImageError'
}

/** Null when it is not on this machine. */
export const findImage = async (engine: Engine, name: string): Promise<Image | null> => {
  try {
    const response = await engine.call('GET', `/images/${encodeName(name)}/json`)
    const { Id, Config } = (await response.json()) as {
      Id: string
      Config?: { Env?: readonly string[] | null } | null
    }
    const path = Config?.Env?.find((entry) => entry.startsWith('PATH='))
    return { id: Id, path: path?.slice('PATH='.length) ?? null }
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** @throws ImageError, EngineAwayError */
export const ensureImage = async (
  engine: Engine,
  name: string,
  policy: PullPolicy,
  report: Report = () => undefined,
  signal?: AbortSignal,
): Promise<Image> => {
  const present = policy === 'always' ? null : await findImage(engine, name)
  if (present) return present
  if (policy === 'never') throw new ImageError(`There is no image ${name}, and none is pulled here`)
  await pull(engine, name, report, signal)
  const pulled = await findImage(engine, name)
  if (!pulled) throw new ImageError(`The image ${name} was pulled, and is not there`)
  return pulled
}

/** Slashes stay: they are part of the path of this one call. */
const encodeName = (name: string): string => name.split('/').map(encodeURIComponent).join('/')

interface PullLine {
  readonly id?: string
  readonly status?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
  readonly error?: string
}

const pull = async (
  engine: Engine,
  name: string,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<void> => {
  report(`pulling ${name}`)
  try {
    const query = { fromImage: withTag(name) }
    const options = { query, ...(signal && { signal }) }
    const response = await engine.call('POST', '/images/create', options)
    const progress = pullProgress(name, report)
    for await (const line of linesOf(response)) progress(JSON.parse(line) as PullLine)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new ImageError(`The image ${name} cannot be pulled: ${error.message}`, { cause: error })
  }
}

/** Without a tag the engine would pull every tag there is. */
const withTag = (name: string): string => {
  const last = name.slice(name.lastIndexOf('/') + 1)
  return last.includes(':') || last.includes('@') ? name : `${name}:latest`
}

/** Adds the layers up, and says so at each whole percent. @throws ImageError */
export const pullProgress = (name: string, report: Report) => {
  const layers = new Map<string, { current: number; total: number }>()
  let said = -1
  return ({ id, status, progressDetail, error }: PullLine): void => {
    if (error) throw new ImageError(`The image ${name} cannot be pulled: ${error}`)
    const { current, total } = progressDetail ?? {}
    const layer = id === undefined ? undefined : layers.get(id)
    if (id !== undefined && status === 'Downloading' && total) {
      layers.set(id, { current: current ?? 0, total })
    } else if (layer && (status === 'Download complete' || status === 'Pull complete')) {
      layer.current = layer.total
    } else return
    const all = [...layers.values()]
    const sum = (of: 'current' | 'total') => all.reduce((bytes, one) => bytes + one[of], 0)
    const percent = Math.floor((100 * sum('current')) / sum('total'))
    if (percent === said) return
    said = percent
    report(`pulling ${name}: ${percent}% of ${Math.ceil(sum('total') / 2 ** 20)} MiB`)
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield line
  }
  if (rest.trim() !== '') yield rest
}
