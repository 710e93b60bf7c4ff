/** The routes of the configuration: what clients may rely on, and whether a key is good. */
import { router, t } from '../../src/sdk.ts'
import { maxDocumentSteps } from './bodies.ts'
import { documentedTypes } from './files/names.ts'
import { checkKey } from './models/check-key.ts'
import type { ProviderAddresses } from './models/providers.ts'

const tags = ['experiments: configuration']

export interface ConfigRoutesOptions {
  readonly maxFileBytes: number
  readonly supportedModels: readonly string[]
  readonly addresses: ProviderAddresses
}

export const configRoutes = (options: ConfigRoutesOptions) =>
  router()
    .get(
      '/api/config',
      () => ({
        maxFileSize: options.maxFileBytes,
        allowedFileTypes: [...documentedTypes],
        maxExperimentSteps: maxDocumentSteps,
        supportedModels: [...options.supportedModels],
      }),
      { detail: { tags, summary: 'Get what clients may rely on' } },
    )
    .post('/api/config/validate-api-key', ({ body }) => checkKey(body, options.addresses), {
      body: t.Object({
        provider: t.String({ minLength: 1, maxLength: 100 }),
        apiKey: t.String({ maxLength: 1000, pattern: '^[\\x21-\\x7e]+$' }),
      }),
      detail: {
        tags,
        summary: 'Ask a provider whether a key is good',
        description: 'The key is used once and kept nowhere.',
        'x-rate-limit': 'login',
      } as object,
    })
