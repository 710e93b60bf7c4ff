/** Which packages a program needs, pinned to the versions that it ran with. */

/** Names of distributions that differ from those of their modules. */
const distributions: Readonly<Record<string, string>> = {
  sklearn: 'scikit-learn',
  cv2: 'opencv-python',
  PIL: 'pillow',
  yaml: 'pyyaml',
  bs4: 'beautifulsoup4',
  skimage: 'scikit-image',
  dateutil: 'python-dateutil',
}

/** `packages`: what the environment had, by distribution; modules of Python itself are left out. */
export const requirementsOf = (
  code: string,
  packages: Readonly<Record<string, string>>,
): readonly string[] => {
  const versions = new Map(
    Object.entries(packages).map(([name, version]) => [normal(name), { name, version }]),
  )
  const found = new Set<string>()
  for (const module of modulesOf(code)) {
    const known = versions.get(normal(distributions[module] ?? module))
    if (known) found.add(`${known.name}==${known.version}`)
  }
  return [...found].sort()
}

/** Spelling does not count (PEP 503). */
const normal = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, '-')

/** Top-level modules that a program imports, in whatever part of it. */
export const modulesOf = (code: string): ReadonlySet<string> => {
  const modules = new Set<string>()
  for (const [, from, list] of code.matchAll(importLine)) {
    if (from !== undefined) modules.add(from)
    for (const one of list?.split(',') ?? []) {
      const name = /^\s*([A-Za-z_]\w*)/.exec(one)?.[1]
      if (name !== undefined) modules.add(name)
    }
  }
  return modules
}

const importLine = /^[ \t"]*(?:from[ \t]+([A-Za-z_]\w*)[\w.]*[ \t]+import|import[ \t]+([^\n#"]+))/gm
