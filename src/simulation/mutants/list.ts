import type { Mutant } from './mutant.ts'
import { mutantsOfContact } from './of-contact.ts'
import { mutantsOfDevices } from './of-devices.ts'
import { mutantsOfGrants } from './of-grants.ts'
import { mutantsOfStarts } from './of-starts.ts'

/** Every mistake that can be planted, the control first. */
export const mutants: readonly Mutant[] = [
  ...mutantsOfDevices,
  ...mutantsOfGrants,
  ...mutantsOfContact,
  ...mutantsOfStarts
]
