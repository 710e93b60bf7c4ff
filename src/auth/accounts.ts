/** What a name, an address and a password must look like, and which spellings count as the same. */
import { HearthError, type Issue } from '../kernel/errors.ts'

const maxPasswordLength = 1024

export interface AccountRules {
  /** NIST's least length for passwords people choose. */
  readonly minPasswordLength: number
}

/** The spelling that names are compared by: `Ada` and `ada` are one user. */
export const usernameKey = (username: string): string =>
  username.trim().normalize('NFKC').toLowerCase()

export const emailKey = (email: string): string => email.trim().normalize('NFKC').toLowerCase()

/** @throws HearthError `bad_request` with every thing that is wrong */
export const checkAccount = (
  account: { username?: string; email?: string; password?: string },
  rules: AccountRules,
): void => {
  const issues: Issue[] = []
  const { username, email, password } = account
  if (username !== undefined && !/^[\p{L}\p{N}_][\p{L}\p{N}._@+-]{0,63}$/u.test(username)) {
    issues.push({
      path: '/username',
      message: 'The username must be 1 to 64 letters, digits or any of . _ @ + -',
    })
  }
  if (email !== undefined && !isEmail(email)) {
    issues.push({ path: '/email', message: 'The email is not a valid address' })
  }
  const weakness = password === undefined ? null : weaknessOf(password, account, rules)
  if (weakness) issues.push({ path: '/password', message: weakness })
  if (issues.length > 0) {
    throw new HearthError('bad_request', issues.map(({ message }) => message).join('; '), {
      issues,
    })
  }
}

const isEmail = (email: string): boolean =>
  email.length <= 254 && /^[^\s@<>"\p{Cc}\p{Cs}]+@[^\s@<>"\p{Cc}\p{Cs}]+$/u.test(email)

const weaknessOf = (
  password: string,
  account: { username?: string; email?: string },
  { minPasswordLength }: AccountRules,
): string | null => {
  const { length } = [...password]
  if (length < minPasswordLength) {
    return `The password must have at least ${minPasswordLength} characters`
  }
  if (length > maxPasswordLength) {
    return `The password must have at most ${maxPasswordLength} characters`
  }
  const lower = password.toLowerCase()
  if (lower === account.username?.toLowerCase() || lower === account.email?.toLowerCase()) {
    return 'The password must differ from the username and the email'
  }
  if (new Set(lower).size === 1) return 'The password must not be one character repeated'
  return null
}
