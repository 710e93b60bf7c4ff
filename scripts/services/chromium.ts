/** Finds Chromium for the tests of pages, or installs Debian's. */
import { aptInstall } from './apt.ts'
import { found, type Service } from './service.ts'

const name = 'Chromium'

export const chromium = async (): Promise<Service> => {
  const given = process.env['HEARTH_TEST_CHROMIUM'] ?? Bun.which('chromium')
  if (!given) await aptInstall('chromium')
  const path = given ?? Bun.which('chromium')
  if (!path) throw new Error('chromium was installed and is still not on the PATH')
  return found(name, `found at ${path}`, { HEARTH_TEST_CHROMIUM: path })
}
