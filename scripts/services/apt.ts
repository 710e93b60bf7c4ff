/** Installs Debian packages where that is possible: as root, on a machine that has apt-get. */
import { must } from '../command.ts'
import { say } from '../say.ts'

const env = { DEBIAN_FRONTEND: 'noninteractive' }
let updated: Promise<string> | undefined

export const aptInstall = async (...packages: string[]): Promise<void> => {
  if (process.getuid?.() !== 0 || !Bun.which('apt-get'))
    throw new Error(`Install ${packages.join(', ')} first: this is not root on a Debian machine`)
  say(`  apt-get install ${packages.join(' ')}`)
  updated ??= must(['apt-get', 'update', '-qq'], { env })
  await updated
  await must(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages], { env })
}
