/** Bodies are only so deep: what walks through them afterwards goes as deep as they do. */
import { HearthError } from './errors.ts'

/** Far beyond what anybody means: validators and printers take quadratic time in it. */
export const maxBodyDepth = 100

/** @throws HearthError `bad_request` */
export const limitDepth = (body: unknown): void => {
  if (isDeeper(body, maxBodyDepth)) {
    throw new HearthError('bad_request', `A body is at most ${maxBodyDepth} levels deep`)
  }
}

/** Goes at most one level beyond `levels`, so its own recursion is bounded. */
export const isDeeper = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeper(item, levels - 1)) return true
    return false
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const key in value) {
    if (isDeeper((value as Record<string, unknown>)[key], levels - 1)) return true
  }
  return false
}
