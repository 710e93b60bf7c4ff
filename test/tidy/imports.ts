/** Who may import whom. */
import { posix } from 'node:path'
import type { Source } from './source.ts'

export interface Import {
  readonly from: string
  /** A path from the root for our own files, a package name otherwise. */
  readonly target: string
  readonly line: number
}

export const importsOf = ({ path, text }: Source): Import[] => {
  if (!path.endsWith('.ts')) return []
  const found: Import[] = []
  const pattern =
    /^(?:import|export)\b[^'"`;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm
  for (const match of text.matchAll(pattern)) {
    const name = match[1] ?? match[2] ?? match[3] ?? ''
    const target = name.startsWith('.') ? posix.join(posix.dirname(path), name) : name
    found.push({ from: path, target, line: text.slice(0, match.index).split('\n').length })
  }
  return found
}

const onnxFile = 'plugins/scenarios/serving/onnx-runtime.ts'

/** Why this import is not allowed, or null. */
export const importBreach = ({ from, target }: Import): string | null => {
  const driver = ['postgres', 'bun:sqlite', 'drizzle-orm'].find((name) => isPackage(target, name))
  if (driver && inProduct(from) && !/^src\/storage\/|\/schema\.ts$/.test(from))
    return `${driver} is used by src/storage and schema.ts files only`
  if (isPackage(target, 'onnxruntime-node') && inProduct(from) && from !== onnxFile)
    return `onnxruntime-node is used by ${onnxFile} only`
  if (isPackage(target, 'ioredis') && inProduct(from) && from !== 'src/live/bus.ts')
    return 'ioredis is used by src/live/bus.ts only'
  if (isPackage(target, 'elysia') && inProduct(from) && !/^src\/(kernel\/|sdk\.ts$)/.test(from))
    return 'elysia is used by src/kernel only; others get it through src/sdk.ts'
  if (/^(node:)?child_process$/.test(target) && !maySpawn(from))
    return 'processes are spawned in runners/ only'
  return folderBreach(from, target)
}

const folderBreach = (from: string, target: string): string | null => {
  if (!isOurs(target)) return null
  if (from.startsWith('src/storage/') && !target.startsWith('src/storage/'))
    return 'storage imports nothing of ours'
  if (from.startsWith('plugins/')) return pluginBreach(from, target)
  if (from.startsWith('runners/')) {
    const allowed = ['src/jobs/protocol.ts', 'src/sdk.ts']
    if (!target.startsWith('runners/') && !allowed.includes(target))
      return `runners import ${allowed.join(' and ')} only`
  }
  const wires = from === 'src/main.ts' || from.startsWith('src/cli/')
  if (from.startsWith('src/') && !wires && /^(plugins|runners)\//.test(target))
    return 'only src/main.ts and src/cli wire plugins and runners'
  if (inProduct(from) && /^(test|bench|scripts)\//.test(target))
    return 'the product does not import tests, benchmarks or scripts'
  return null
}

const pluginBreach = (from: string, target: string): string | null => {
  const own = from.split('/').slice(0, 2).join('/')
  if (target.startsWith(`${own}/`) || target === 'src/sdk.ts') return null
  if (/^plugins\/[^/]+\/service\.ts$/.test(target)) return null
  return "plugins import src/sdk.ts, their own files and other plugins' service.ts only"
}

const isPackage = (target: string, name: string) => target === name || target.startsWith(`${name}/`)

const isOurs = (target: string) => /^(src|plugins|runners|scripts|bench|test|docs)\//.test(target)

/** What is shipped; tests, benchmarks and scripts may use drivers and processes directly. */
export const inProduct = (path: string) => /^(src|plugins|runners)\//.test(path)

export const maySpawn = (path: string) => !inProduct(path) || path.startsWith('runners/')
