/** Stands up what a description describes: an API over HTTP, or a store of another kind. */
import type { Description } from './description.ts'
import type { Installation } from './installation.ts'
import { Simulator } from './simulator.ts'
import { StoreSimulator } from './stores/simulator.ts'
import type { Services } from './stores/store.ts'

/** An installation that is not started yet; `services` are what it may need of this machine. */
export const simulate = (description: Description, services?: Services): Installation =>
  description.store ? new StoreSimulator(description, services) : new Simulator(description)
