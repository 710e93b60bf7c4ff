/** Points on the embedded database. */
import { conformance } from './conformance.ts'

conformance('sqlite')
