/** Recorded episodes as a training's job has them: a file beside its program. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Performance } from '../learning/clone.ts'
import { recordedPath } from './settings.ts'

/** @throws Error where the file is not there */
export const recordedIn = (folder: string): readonly Performance[] =>
  JSON.parse(readFileSync(join(folder, recordedPath), 'utf8')) as Performance[]
