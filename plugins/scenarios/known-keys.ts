/** Keys that nobody reads are refused: a typing error would silently mean the usual value. */
import type { ObjectOptions, TProperties } from '@sinclair/typebox'
import { HearthError, Type as t } from '../../src/sdk.ts'

/** A schema for `onlyKnown`: other keys arrive, and the document says that they are refused. */
export const knownOnly = <Properties extends TProperties>(
  properties: Properties,
  options: ObjectOptions = {},
) => t.Object(properties, { ...options, additionalProperties: true, 'x-refuses-unknown': true })

/** Of a schema that lets others pass, so that they arrive. @throws HearthError `validation` */
export const onlyKnown = (body: object, { properties }: { readonly properties: object }): void => {
  const unknown = Object.keys(body).find((key) => !Object.hasOwn(properties, key))
  if (unknown === undefined) return
  const message = `is not known; there are ${Object.keys(properties).join(', ')}`
  throw new HearthError('validation', `body.${unknown} ${message}`, {
    issues: [{ path: `body.${unknown}`, message }],
  })
}
