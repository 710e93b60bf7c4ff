/** Modules that code from outside may import by name: this very program, also from the binary. */
import * as sdk from '../sdk.ts'
import * as testing from '../testing.ts'

const isOffered = new Set<string>()

/** Makes `import ... from name` mean `exports`, in whatever is loaded from now on. */
export const offer = (name: string, exports: object): void => {
  if (isOffered.has(name)) return
  isOffered.add(name)
  Bun.plugin({
    name,
    setup(build) {
      build.module(name, () => ({ exports: { ...exports }, loader: 'object' }))
    },
  })
}

/** `import ... from 'hearth'` */
export const offerSdk = (): void => {
  offer('hearth', sdk)
  offer('hearth/testing', testing)
}
