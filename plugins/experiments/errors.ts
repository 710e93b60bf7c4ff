/** The errors of the document, by its names. */
import { HearthError, type Issue } from '../../src/sdk.ts'

export const experimentNotFound = (): HearthError =>
  new HearthError('not_found', 'Experiment does not exist', { reason: 'EXPERIMENT_NOT_FOUND' })

export const alreadyRunning = (): HearthError =>
  new HearthError('conflict', 'The experiment is already running', {
    reason: 'EXPERIMENT_ALREADY_RUNNING',
  })

export const fileNotFound = (id?: string): HearthError =>
  new HearthError('not_found', id ? `There is no file ${id}` : 'File does not exist', {
    reason: 'FILE_NOT_FOUND',
  })

export const fileTooLarge = (name: string, maxBytes: number): HearthError =>
  new HearthError('bad_request', `${name} is larger than ${maxBytes} bytes`, {
    reason: 'FILE_TOO_LARGE',
  })

export const invalidFileType = (name: string, allowed: readonly string[]): HearthError =>
  new HearthError('bad_request', `${name}: only ${allowed.join(', ')} can be uploaded`, {
    reason: 'INVALID_FILE_TYPE',
  })

export const invalid = (path: string, message: string): HearthError => {
  const issues: Issue[] = [{ path, message }]
  return new HearthError('validation', `${path}: ${message}`, { issues })
}

/** Wrong, but not by a schema: the document's 400. */
export const badRequest = (message: string): HearthError =>
  new HearthError('bad_request', message, { reason: 'VALIDATION_ERROR' })
