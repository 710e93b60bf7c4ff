/** Loads the executor that a node's owner wrote: a TypeScript file, as with plugins. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import * as executorSdk from '../../runners/executor-sdk.ts'
import type { Executor } from '../../runners/executor.ts'

/** @throws an error that names the file and says what is wrong with it */
export const loadExecutor = async (
  file: string,
  host: executorSdk.ExecutorHost,
): Promise<Executor> => {
  const path = resolve(file)
  if (!existsSync(path)) throw new Error(`there is no executor ${file}`)
  Bun.plugin({
    name: 'hearth-executor',
    setup(build) {
      build.module('hearth/executor', () => ({ exports: { ...executorSdk }, loader: 'object' }))
    },
  })
  const { default: create } = (await import(path)) as { default?: executorSdk.CreateExecutor }
  if (typeof create !== 'function') {
    throw new Error(`${file} must export as default a function that makes an executor`)
  }
  return create(host)
}
