/** What users look like on the wire, and the bounds of what is sent about them. */
import { t, type User } from '../../../src/sdk.ts'
import { toNaiveIso } from '../time.ts'

export const tags = ['Authentication']
export const maxId = Number.MAX_SAFE_INTEGER
export const exampleTime = '2023-01-01T00:00:00'

export const userSchema = t.Object(
  {
    id: t.Integer(),
    email: t.String(),
    username: t.String(),
    is_active: t.Boolean(),
    is_superuser: t.Boolean(),
    created_at: t.String(),
    updated_at: t.String(),
  },
  {
    examples: [
      {
        id: 1,
        email: 'user@example.com',
        username: 'username',
        is_active: true,
        is_superuser: false,
        created_at: exampleTime,
        updated_at: exampleTime,
      },
    ],
  },
)

export const emailField = t.String({ maxLength: 254 })
export const passwordField = t.String({ maxLength: 1024 })

export const userBody = (user: User) => ({
  id: user.id,
  email: user.email,
  username: user.username,
  is_active: user.isActive,
  is_superuser: user.isSuperuser,
  created_at: toNaiveIso(user.createdAt),
  updated_at: toNaiveIso(user.updatedAt),
})

/** Leaves out what was not said, which is not the same as saying `undefined`. */
export const given = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
