/** Reads the body of a login as it was typed: a password that looks like JSON stays text. */
import { HearthError } from '../../../src/sdk.ts'

const forms = ['application/x-www-form-urlencoded', 'multipart/form-data']

/** Forms as fields of text; `undefined` leaves JSON to the router's own parser. */
export const loginBody = async ({
  request,
  contentType,
}: {
  request: Request
  contentType: string
}): Promise<Record<string, unknown> | undefined> => {
  if (contentType === 'application/json') return undefined
  if (!forms.includes(contentType)) {
    throw new HearthError('unsupported_media_type', 'Send the login as a form or as JSON')
  }
  const form = await request.formData().catch((cause: unknown) => {
    throw new HearthError('bad_request', 'The form cannot be read', { cause })
  })
  return Object.fromEntries(form)
}
