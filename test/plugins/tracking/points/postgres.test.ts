/** Points on PostgreSQL. */
import { conformance } from './conformance.ts'

conformance('postgres')
