/** Registering and logging in: the routes that need no token. */
import { type Auth, contextOf, router, t } from '../../../src/sdk.ts'
import { emailField, passwordField, tags, userBody, userSchema } from './bodies.ts'
import { loginBody } from './login-body.ts'

export const loginRoutes = (auth: Auth) =>
  router()
    .post('/auth/register', async ({ body }) => userBody(await auth.register(body)), {
      body: t.Object(
        { email: emailField, username: t.String({ maxLength: 256 }), password: passwordField },
        { examples: [{ email: 'user@example.com', username: 'username', password: 'password' }] },
      ),
      response: userSchema,
      detail: {
        summary: 'Register a new user',
        description: 'The first user ever registered is superuser.',
        tags,
        security: [],
        'x-rate-limit': 'login',
      },
    })
    .post(
      '/auth/login',
      async ({ body: { username, password }, request, set }) => {
        const { ip } = contextOf(request)
        const token = await auth.login({ username, password, ip })
        set.headers['cache-control'] = 'no-store'
        return { access_token: token, token_type: 'bearer' as const }
      },
      {
        parse: loginBody,
        body: t.Object(
          { username: t.String({ maxLength: 256 }), password: passwordField },
          { examples: [{ username: 'your_username', password: 'your_password' }] },
        ),
        response: t.Object(
          { access_token: t.String(), token_type: t.Literal('bearer') },
          { examples: [{ access_token: 'eyJ0eXAiOiJKV1QiLCJhbGci...', token_type: 'bearer' }] },
        ),
        detail: {
          summary: 'Log in and get an access token',
          description: 'Takes a form (`application/x-www-form-urlencoded`), multipart or JSON.',
          tags,
          security: [],
          'x-rate-limit': 'login',
          'x-content-types': ['application/x-www-form-urlencoded', 'application/json'],
        },
      },
    )
