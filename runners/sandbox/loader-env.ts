/**
 * Variables that make the loader and the C library load or read files, which glibc itself ignores
 * in setuid programs (`unsecvars.h`). Wrappers begin outside of the sandbox, some with the rights
 * of root: what a job says here must reach the program alone.
 */

const names = new Set([
  'GCONV_PATH',
  'GETCONF_DIR',
  'GLIBC_TUNABLES',
  'HOSTALIASES',
  'LOCALDOMAIN',
  'LOCPATH',
  'MALLOC_TRACE',
  'NIS_PATH',
  'NLSPATH',
  'RES_OPTIONS',
  'RESOLV_HOST_CONF',
  'TZDIR',
])

type Env = Readonly<Record<string, string>>

export const isObeyedByLoader = (name: string): boolean => name.startsWith('LD_') || names.has(name)

/** The environment that wrappers may have. */
export const wrapperEnv = (env: Env): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !isObeyedByLoader(name)))

/** The last wrapper, begun when no right is left: it sets what the others must not see. */
export const setByEnv = (env: Env): string[] => {
  const held = Object.entries(env).filter(([name]) => isObeyedByLoader(name))
  if (held.length === 0) return []
  return ['/usr/bin/env', ...held.map(([name, value]) => `${name}=${value}`)]
}
