/** Reloads external plugins when their files change; a broken edit keeps the old one running. */
import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { FileConfig } from './config.ts'
import type { Kernel } from './kernel.ts'
import { type ExternalPlugin, loadSource } from './loader.ts'
import type { Logger } from './log.ts'

/** Editors write a file in several steps; a reload waits until they are done. */
const settleMs = 80

/** Answers the function that ends the watching. */
export const watchPlugins = (
  plugins: readonly ExternalPlugin[],
  settings: NonNullable<FileConfig['plugins']>,
  kernel: Pick<Kernel, 'reload'>,
  log: Logger,
): (() => void) => {
  const watchers = plugins.map(({ path, source }) => {
    const { id } = source.plugin
    let timer: ReturnType<typeof setTimeout> | undefined
    let last: Promise<void> = Promise.resolve()
    const reload = async () => {
      try {
        const fresh = await loadSource(path, settings, log, id)
        if (!fresh) return
        try {
          await kernel.reload(fresh)
        } catch (error) {
          fresh.dispose?.()
          throw error
        }
        log.info(`plugin ${id} reloaded`, { version: fresh.plugin.version })
      } catch (error) {
        log.error(`plugin ${id} was not reloaded; the old one goes on: ${(error as Error).message}`)
      }
    }
    return watchTree(path, () => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        last = last.then(reload)
      }, settleMs)
    })
  })
  return () => {
    for (const watcher of watchers) watcher.close()
  }
}

const watchTree = (path: string, changed: () => void): FSWatcher => {
  const folder = statSync(path).isDirectory() ? path : dirname(path)
  return watch(folder, { recursive: statSync(path).isDirectory() }, (_, name) => {
    if (name !== null && /\.(ts|js|json|sql)$/.test(name)) changed()
  })
}
