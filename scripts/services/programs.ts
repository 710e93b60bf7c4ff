/** Small programs that tests call by name. */
import { aptInstall } from './apt.ts'
import { found, type Service } from './service.ts'

/** Each with the Debian package that has it. */
const wanted: readonly (readonly [program: string, packageName: string])[] = [
  ['curl', 'curl'],
  ['git', 'git'],
  ['bwrap', 'bubblewrap'],
  ['setpriv', 'util-linux'],
  ['ip', 'iproute2'],
  ['tc', 'iproute2'],
  ['ssh', 'openssh-client'],
  ['sshd', 'openssh-server'],
]

/** Programs of administrators are not on everybody's path. */
const path = `${process.env['PATH']}:/usr/sbin:/sbin`

export const programs = async (): Promise<Service> => {
  const missing = wanted.filter(([program]) => !Bun.which(program, { PATH: path }))
  if (missing.length > 0) await aptInstall(...new Set(missing.map(([, name]) => name)))
  return found('programs', wanted.map(([program]) => program).join(', '), {})
}
