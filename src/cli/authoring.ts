/** Lets modules of scenarios import what they are written with, wherever they are loaded. */
import * as authoring from '../../plugins/scenarios/authoring.ts'
import { offer, offerSdk } from '../kernel/offered.ts'

export const offerAuthoring = (): void => {
  offerSdk()
  offer('hearth/scenarios', authoring)
}
