/** Users and themselves: who am I, and changing the own email or password. */
import {
  type Auth,
  contextOf,
  HearthError,
  router,
  t,
  type User,
  type Who,
} from '../../../src/sdk.ts'
import { emailField, given, passwordField, tags, userBody, userSchema } from './bodies.ts'

export const ownRoutes = (auth: Auth) =>
  router()
    .get('/auth/me', async ({ who }) => userBody(await existing(auth, who)), {
      response: userSchema,
      detail: { summary: 'The current user', tags },
    })
    .put(
      '/auth/me',
      async ({ who, body, request }) => {
        const user = await existing(auth, who)
        const { email, password, current_password: current } = body
        if (password !== undefined) {
          await confirmPassword(auth, user, current, contextOf(request).ip)
        }
        return userBody(await auth.update(user.id, { ...given({ email, password }) }))
      },
      {
        body: t.Object(
          {
            email: t.Optional(emailField),
            password: t.Optional(passwordField),
            current_password: t.Optional(passwordField),
          },
          { examples: [{ password: 'a new password', current_password: 'password' }] },
        ),
        response: userSchema,
        detail: {
          summary: 'Change the own email or password',
          description: 'A new password needs the current one and ends every access token.',
          tags,
          'x-rate-limit': 'login',
        },
      },
    )

const existing = async (auth: Auth, who: Who): Promise<User> => {
  const user = await auth.user(who.id)
  if (!user) throw new HearthError('unauthorized')
  return user
}

/** Goes through the login, so that guessing here is as slow as guessing there. */
const confirmPassword = async (
  auth: Auth,
  { username }: User,
  current: string | undefined,
  ip: string,
): Promise<void> => {
  if (current === undefined) {
    throw new HearthError('bad_request', 'current_password is needed to change the password')
  }
  await auth.login({ username, password: current, ip }).catch((error: unknown) => {
    if (!(error instanceof HearthError) || error.code !== 'unauthorized') throw error
    throw new HearthError('bad_request', 'The current password is not right')
  })
}
