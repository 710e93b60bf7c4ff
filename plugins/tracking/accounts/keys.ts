/** API keys: making, listing and revoking the own ones. */
import { type ApiKey, type Auth, HearthError, router, t } from '../../../src/sdk.ts'
import { parseTime, toNaiveIso } from '../time.ts'
import { exampleTime, given, maxId, tags } from './bodies.ts'

const keyFields = {
  id: t.Integer(),
  name: t.String(),
  prefix: t.String({ description: 'The first characters of the key' }),
  created_at: t.String(),
  expires_at: t.Nullable(t.String()),
}
const keyExample = {
  id: 1,
  name: 'training machine',
  prefix: 'hearth_Zk3Pq8',
  created_at: exampleTime,
  expires_at: null,
}
const keySchema = t.Object(
  { ...keyFields, last_used_at: t.Nullable(t.String()) },
  { examples: [{ ...keyExample, last_used_at: null }] },
)
const newKeySchema = t.Object(
  { ...keyFields, key: t.String({ description: 'The key itself; it is never shown again' }) },
  { examples: [{ ...keyExample, key: 'hearth_Zk3Pq8...' }] },
)

export const keyRoutes = (auth: Auth) =>
  router()
    .post(
      '/auth/keys',
      async ({ who, body, set }) => {
        if (who.via === 'key') {
          // Or a stolen key could outlive its revocation in the keys it made.
          throw new HearthError('forbidden', 'An API key cannot make keys; log in with a password')
        }
        const { name, expires_at: expiry } = body
        const expiresAt = expiry == null ? undefined : Math.floor(parseTime(expiry) / 1000)
        const { key, info } = await auth.createKey(who.id, { name, ...given({ expiresAt }) })
        set.headers['cache-control'] = 'no-store'
        return { ...keyBody(info), key }
      },
      {
        body: t.Object(
          {
            name: t.String({ minLength: 1, maxLength: 100 }),
            expires_at: t.Optional(t.Nullable(t.String())),
          },
          { examples: [{ name: 'training machine' }] },
        ),
        response: newKeySchema,
        detail: {
          summary: 'Make an API key',
          description: 'The key is shown this once; use it like an access token.',
          tags,
        },
      },
    )
    .get('/auth/keys', async ({ who }) => (await auth.keys(who.id)).map(keyBody), {
      response: t.Array(keySchema),
      detail: { summary: 'List the own API keys', tags },
    })
    .delete(
      '/auth/keys/:key_id',
      async ({ who, params }) => {
        await auth.revokeKey(who.id, params.key_id)
        return { message: 'API key revoked' }
      },
      {
        params: t.Object({ key_id: t.Integer({ minimum: 1, maximum: maxId }) }),
        response: t.Object({ message: t.String() }, { examples: [{ message: 'API key revoked' }] }),
        detail: { summary: 'Revoke an API key', tags },
      },
    )

const keyBody = (key: ApiKey) => ({
  id: key.id,
  name: key.name,
  prefix: key.prefix,
  created_at: toNaiveIso(key.createdAt),
  expires_at: key.expiresAt === null ? null : toNaiveIso(key.expiresAt),
  last_used_at: key.lastUsedAt === null ? null : toNaiveIso(key.lastUsedAt),
})
