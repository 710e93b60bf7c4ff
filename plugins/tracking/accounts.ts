/** The routes of people and their keys, put together. */
import { type Auth, router } from '../../src/sdk.ts'
import { keyRoutes } from './accounts/keys.ts'
import { loginRoutes } from './accounts/login.ts'
import { ownRoutes } from './accounts/own.ts'
import { userRoutes } from './accounts/users.ts'

export const accountRoutes = (auth: Auth) =>
  router().use(loginRoutes(auth)).use(ownRoutes(auth)).use(userRoutes(auth)).use(keyRoutes(auth))
