/** Managing users, for superusers. */
import { type Auth, HearthError, router, t, type Who } from '../../../src/sdk.ts'
import { emailField, given, maxId, passwordField, tags, userBody, userSchema } from './bodies.ts'

export const userRoutes = (auth: Auth) =>
  router()
    .get(
      '/auth/users',
      async ({ who, query }) => {
        superuserOnly(who)
        return (await auth.users(query)).map(userBody)
      },
      {
        query: t.Object({
          skip: t.Integer({ minimum: 0, maximum: maxId, default: 0 }),
          limit: t.Integer({ minimum: 1, maximum: 1000, default: 100 }),
        }),
        response: t.Array(userSchema),
        detail: { summary: 'List users (superusers only)', tags },
      },
    )
    .put(
      '/auth/users/:user_id',
      async ({ who, params, body }) => {
        superuserOnly(who)
        const { email, password, is_active: isActive, is_superuser: isSuperuser } = body
        const change = given({ email, password, isActive, isSuperuser })
        return userBody(await auth.update(params.user_id, change))
      },
      {
        params: t.Object({ user_id: t.Integer({ minimum: 1, maximum: maxId }) }),
        body: t.Object(
          {
            email: t.Optional(emailField),
            password: t.Optional(passwordField),
            is_active: t.Optional(t.Boolean()),
            is_superuser: t.Optional(t.Boolean()),
          },
          { examples: [{ is_active: false }] },
        ),
        response: userSchema,
        detail: {
          summary: 'Change a user (superusers only)',
          description: 'An inactive user is locked out at once. One superuser always stays.',
          tags,
        },
      },
    )

const superuserOnly = (who: Who): void => {
  if (!who.isSuperuser) throw new HearthError('forbidden')
}
